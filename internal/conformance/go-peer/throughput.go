package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

type throughput struct {
	Encryption        bool    `json:"encryption"`
	Count             int     `json:"count"`
	Size              int     `json:"size"`
	ElapsedNs         int64   `json:"elapsedNs"` // at the receiver, from the first message to the last
	MessagesPerSecond float64 `json:"messagesPerSecond"`
}

// measureThroughput is the receiver; a second process of this program is the sender, driven as a test would.
func measureThroughput(opts options, out *events) error {
	name := fmt.Sprintf("ipc-throughput-%d", os.Getpid())
	server, err := ipc.StartServer(&ipc.ServerConfig{Name: name, Encryption: opts.encryption})
	if err != nil {
		return err
	}
	defer server.Close()
	receiver := newSession(server, false, newEvents(os.Stderr)) // stdout is for the result alone
	go receiver.receive()

	self, err := os.Executable()
	if err != nil {
		return err
	}
	sender := exec.Command(self, "--role", "client", "--name", name, fmt.Sprintf("--encryption=%t", opts.encryption))
	sender.Stderr = os.Stderr
	stdin, err := sender.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := sender.StdoutPipe()
	if err != nil {
		return err
	}
	if err := sender.Start(); err != nil {
		return err
	}
	defer func() {
		_ = stdin.Close()
		_ = sender.Wait()
	}()

	send, report := json.NewEncoder(stdin), 3
	for _, c := range []command{
		{ID: 1, Command: "start"},
		{ID: 2, Command: "send", Count: opts.count, Size: opts.size},
		{ID: report, Command: "report"},
	} {
		if err := send.Encode(c); err != nil {
			return err
		}
	}

	for decoder := json.NewDecoder(stdout); ; {
		var got struct {
			event
			Result tally `json:"result"`
		}
		if err := decoder.Decode(&got); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
		switch {
		case got.Event == "failed", got.Event == "error":
			return fmt.Errorf("sender: %s", got.Message)
		case got.Event == "done" && got.ID == report:
			if got.Result.Count != opts.count {
				return fmt.Errorf("%d of %d messages arrived", got.Result.Count, opts.count)
			}
			ns := got.Result.ElapsedNs
			out.emit(event{Event: "throughput", Result: throughput{
				Encryption: opts.encryption, Count: opts.count, Size: opts.size,
				ElapsedNs: ns, MessagesPerSecond: float64(opts.count-1) / (float64(ns) / 1e9),
			}})
			return nil
		}
	}
}
