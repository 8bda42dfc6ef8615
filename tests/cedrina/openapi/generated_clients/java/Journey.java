import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.http.HttpClient;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.AccountsApi;
import org.openapitools.client.api.SignInApi;
import org.openapitools.client.model.LoginInputRequest;
import org.openapitools.client.model.LogoutInputRequest;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.RefreshInputRequest;
import org.openapitools.client.model.RegistrationInputRequest;

/** A person's journey with the client that openapi-generator makes for Java: ADDRESS NAME. */
public class Journey {
  interface Call {
    void run() throws ApiException;
  }

  static final ObjectMapper MAPPER = ApiClient.createDefaultObjectMapper();

  static List<Object> refusal(Call call) throws Exception {
    try {
      call.run();
    } catch (ApiException error) {
      Problem problem = MAPPER.readValue(error.getResponseBody(), Problem.class);
      return List.of(error.getCode(), problem.getCode().getValue());
    }
    throw new IllegalStateException("it was not refused");
  }

  static ApiClient client(String address) {
    ApiClient client = new ApiClient();
    // Java's client asks for HTTP/2 in its first request, and the server takes no such request with a body.
    client.setHttpClientBuilder(HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1));
    client.updateBaseUri(address);
    return client;
  }

  public static void main(String[] arguments) throws Exception {
    String name = arguments[1];
    ApiClient client = client(arguments[0]);
    SignInApi signIn = new SignInApi(client);
    var registered = signIn.register(new RegistrationInputRequest()
        .username(name).email(name + "@example.com").password("violet harbour drum kite"));
    var wrong = new LoginInputRequest().username(name).password("not this one");
    var refused = refusal(() -> signIn.login(wrong));
    ApiClient picky = client(arguments[0]);
    picky.setRequestInterceptor(request -> request.setHeader("Accept", "text/csv"));
    var notAcceptable = refusal(() -> new SignInApi(picky).login(wrong));
    var tokens = signIn.refresh(new RefreshInputRequest().refreshToken(registered.getTokens().getRefreshToken()));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + tokens.getAccessToken()));
    AccountsApi accounts = new AccountsApi(client);
    String username = accounts.me().getUsername();
    ApiResponse<Void> out = new SignInApi(client).logoutWithHttpInfo(new LogoutInputRequest());
    var ended = refusal(accounts::me);
    System.out.println(MAPPER.writeValueAsString(Map.of(
        "username", username, "refused", refused, "not_acceptable", notAcceptable,
        "signed_out", out.getStatusCode(), "ended", ended)));
  }
}
