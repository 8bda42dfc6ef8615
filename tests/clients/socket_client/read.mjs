// Opens a feed with the library `ws`, asks what it is told to, and prints what comes, one frame a line.
import process from "node:process";
import WebSocket from "ws";

const { URL_OF_FEED, TOKEN, TICKET, ASK = "[]" } = process.env;
const protocols = TICKET ? ["cedrina.v1", `cedrina.ticket.${TICKET}`] : [];
const headers = TOKEN ? { Authorization: `Bearer ${TOKEN}` } : {};
const socket = new WebSocket(URL_OF_FEED, protocols, { headers });
socket.on("open", () => {
  console.log(JSON.stringify({ type: "open", protocol: socket.protocol }));
  for (const frame of JSON.parse(ASK)) socket.send(JSON.stringify(frame));
});
socket.on("message", (data) => console.log(data.toString()));
socket.on("close", (code) => console.log(JSON.stringify({ type: "close", code })));
