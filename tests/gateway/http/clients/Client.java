// Java's HttpClient as it comes: it offers HTTP/2 with every request until a server takes it.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
    static HttpClient client = HttpClient.newHttpClient();
    static String url, token;

    static HttpResponse<String> send(String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    static String grant(String id) {
        return "{\"command_id\":\"" + id + "\",\"type\":\"grant_player_progression_experience\",\"amount\":1}";
    }

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        token = arguments[1];
        int command = send(grant("java")).statusCode();
        var list = send("[" + grant("java-1") + "," + grant("java-2") + "," + grant("java-3") + "]");
        int replies = list.body().split("\"replayed\"").length - 1;
        int tooLarge = send(" ".repeat(Integer.parseInt(arguments[2]))).statusCode();
        int kept = 0;
        for (int number = 0; number < Integer.parseInt(arguments[3]); number++) {
            if (send(grant("java-kept-" + number)).statusCode() == 200) {
                kept++;
            }
        }
        System.out.printf("{\"command\": %d, \"list\": %d, \"too_large\": %d, \"kept\": %d}%n",
            command, replies, tooLarge, kept);
    }
}
