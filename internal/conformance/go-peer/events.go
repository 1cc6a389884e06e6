package main

import (
	"encoding/json"
	"io"
	"sync"
)

// command is one line on stdin. Its ID comes back in exactly one "done" or "failed" event.
type command struct {
	ID      int    `json:"id"`
	Command string `json:"command"` // start, echo, send, report, close, free, collect
	Client  int    `json:"client"`  // echo, send, report: whom a multi-client server means
	Type    int    `json:"type"`    // echo: message type
	Count   int    `json:"count"`   // echo, send: messages
	Size    int    `json:"size"`    // echo, send: bytes of data in each
}

// event is one line on stdout:
//
//	done, failed   a command has ended, with its result or the reason
//	status         golang-ipc delivered a status message; a multi-client server's is about Client
//	error          golang-ipc, or this end's traffic, reported an error that no command is waiting for
//	bench          the result of --role bench
//	called         a call of --role calls-client or calls-server has settled: its value, or its error
//	fatal          the process is about to exit with code 1
type event struct {
	Event   string `json:"event"`
	ID      int    `json:"id,omitempty"`
	Client  int    `json:"client,omitempty"`
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Result  any    `json:"result,omitempty"`
}

type events struct {
	mutex   sync.Mutex
	encoder *json.Encoder
}

func newEvents(w io.Writer) *events {
	return &events{encoder: json.NewEncoder(w)}
}

func (e *events) emit(ev event) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	_ = e.encoder.Encode(ev) // a closed stdout means the test is gone; stdin's end says so too
}
