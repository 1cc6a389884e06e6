package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

type callsEnd interface {
	Read() (*ipc.Message, error)
	Write(int, []byte) error
}

// exchangeCalls answers `double` and `fail`, calls the other side's `hello` when it is connected, and goes on until stdin ends.
func exchangeCalls(opts options, serves bool, out *events) error {
	var conn callsEnd
	peer := &rpcPeer{next: 1, waiting: map[uint32]chan frame{}}
	if serves {
		server, err := ipc.StartServer(&ipc.ServerConfig{Name: opts.name, Encryption: opts.encryption})
		if err != nil {
			return err
		}
		defer server.Close()
		conn, peer.next = server, 2
	} else {
		client, err := dial(opts)
		if err != nil {
			return err
		}
		defer client.Close()
		conn = client
	}
	peer.write = conn.Write
	peer.methods = map[string]func(json.RawMessage) (any, error){
		"double": func(input json.RawMessage) (any, error) {
			var n float64
			err := json.Unmarshal(input, &n)
			return n * 2, err
		},
		"fail": func(json.RawMessage) (any, error) { return nil, errors.New("NOT_FOUND") },
	}
	go func() {
		for {
			message, err := conn.Read()
			if err != nil {
				return
			}
			if message.MsgType == -1 && message.Status == "Connected" {
				go greet(peer, out)
			} else if message.MsgType > 0 {
				peer.take(message)
			}
		}
	}()
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func greet(peer *rpcPeer, out *events) {
	var answer string
	if err := peer.call("hello", map[string]string{"name": "Go"}, &answer); err != nil {
		answer = err.Error()
	}
	out.emit(event{Event: "called", Message: answer})
}
