// One feed by a socket. It gets a ticket for each connection, and tries again after it was closed.

import { post } from "./api.js";
import { urls } from "./settings.js";

const LONGEST_WAIT_S = 30;
const OVER = 4403; // the right is gone: don't try again

export class Feed {
  #socket = null;
  #wait = 0.5;
  #timer = 0;
  #isOver = false;

  // `onOpen` is called when the feed begins anew: what came meanwhile has to be read by a call.
  constructor(path, { onFrame, onOpen, onChange }) {
    this.path = path;
    this.isOpen = false;
    this.onFrame = onFrame;
    this.onOpen = onOpen;
    this.onChange = onChange;
  }

  async open() {
    if (this.#isOver) return;
    try {
      const { ticket } = await post(urls.ticket);
      this.#connect(ticket);
    } catch {
      this.#again();
    }
  }

  stop() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect(ticket) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    let hasFrames = false;
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`, ["cedrina.v1", `cedrina.ticket.${ticket}`]);
    this.#socket = socket;
    // The server accepts each handshake and then says why it closes. So a feed is open once it answers.
    socket.onopen = () => socket.send(JSON.stringify({ type: "filter" }));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (!hasFrames) {
        hasFrames = true;
        this.#wait = 0.5;
        this.isOpen = true;
        this.onChange();
        this.onOpen();
      }
      this.onFrame(frame);
    };
    socket.onclose = ({ code }) => {
      this.isOpen = false;
      this.#isOver ||= code === OVER;
      this.onChange();
      this.#again();
    };
  }

  #again() {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), 1000 * this.#wait * (0.5 + Math.random()));
    this.#wait = Math.min(LONGEST_WAIT_S, 2 * this.#wait);
  }
}
