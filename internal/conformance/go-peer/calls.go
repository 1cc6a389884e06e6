package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

type callsEnd interface {
	Read() (*ipc.Message, error)
	Write(int, []byte) error
}

// exchangeCalls answers `double` and `fail`, and calls the other side: a line of stdin is a method and its deadline in
// milliseconds, and each call's outcome is an event.
func exchangeCalls(opts options, serves bool, out *events) error {
	var conn callsEnd
	calls := &Calls{Methods: map[string]func(json.RawMessage) (any, error){
		"double": func(input json.RawMessage) (any, error) {
			var n float64
			err := json.Unmarshal(input, &n)
			return n * 2, err
		},
		"fail": func(json.RawMessage) (any, error) {
			return nil, fmt.Errorf("fail: %w", &CallError{Code: "NOT_FOUND", Data: map[string]string{"from": "Go"}})
		},
		"odd":   func(json.RawMessage) (any, error) { return nil, &CallError{Code: "ODD", Data: math.NaN()} },
		"break": func(json.RawMessage) (any, error) { return nil, errors.New("a secret") },
	}}
	// The second id comes after the wrap.
	if serves {
		calls.LastID.Store(math.MaxUint32 - 3)
		server, err := ipc.StartServer(&ipc.ServerConfig{Name: opts.name, Encryption: opts.encryption})
		if err != nil {
			return err
		}
		defer server.Close()
		conn = server
	} else {
		calls.LastID.Store(math.MaxUint32 - 2)
		client, err := dial(opts)
		if err != nil {
			return err
		}
		defer client.Close()
		conn = client
	}
	calls.Write = conn.Write
	go func() {
		for {
			message, err := conn.Read()
			calls.Handle(message, err)
			if err != nil {
				return
			}
		}
	}()
	for {
		var method, answer string
		var deadlineMs int64
		if _, err := fmt.Fscan(os.Stdin, &method, &deadlineMs); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		input := map[string]string{"name": "Go"}
		if err := calls.Call(method, input, &answer, time.Duration(deadlineMs)*time.Millisecond); err != nil {
			answer = err.Error()
		}
		out.emit(event{Event: "called", Message: answer})
	}
}
