// Go's net/http as it comes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func send(body string) (int, []byte) {
	request, err := http.NewRequest("POST", os.Args[1], strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Args[2])
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		panic(err)
	}
	return response.StatusCode, content
}

func grant(id string) string {
	return `{"command_id":"` + id + `","type":"grant_player_progression_experience","amount":1}`
}

func main() {
	command, _ := send(grant("go"))
	_, content := send("[" + grant("go-1") + "," + grant("go-2") + "," + grant("go-3") + "]")
	var list []json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&list); err != nil {
		panic(err)
	}
	size, _ := strconv.Atoi(os.Args[3])
	tooLarge, _ := send(strings.Repeat(" ", size))
	count, _ := strconv.Atoi(os.Args[4])
	kept := 0
	for number := 0; number < count; number++ {
		if status, _ := send(grant("go-kept-" + strconv.Itoa(number))); status == 200 {
			kept++
		}
	}
	fmt.Printf("{\"command\": %d, \"list\": %d, \"too_large\": %d, \"kept\": %d}\n", command, len(list), tooLarge, kept)
}
