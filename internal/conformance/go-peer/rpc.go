package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

const rpc1, kindCall, kindResult, kindError, flagOneWay, flagMeta, codecJSON = 0x72706331, 1, 6, 7, 1, 4, 0x10

// CallError is an error of a method, in both directions; any other error of a method reaches its caller as ipc.internal.
type CallError struct {
	Code, Message string
	Data          any
}

func (e *CallError) Error() string { return e.Code + ": " + e.Message }

// Calls makes and answers unary calls, whose values are JSON, over an *ipc.Client or *ipc.Server.
type Calls struct {
	Write   func(messageType int, data []byte) error
	Methods map[string]func(input json.RawMessage) (any, error)
	LastID  atomic.Uint32 // even on the side that listens; a client starts it with 1, so that its ids are odd
	waiting sync.Map      // of func(payload []byte, err error), by id
	ended   atomic.Uint32 // connections that have ended: an answer is for its own only, because ids begin anew
}

// Call fails with a *CallError, with context.DeadlineExceeded, or with io.ErrUnexpectedEOF if the connection ends.
func (c *Calls) Call(method string, input, output any, timeout time.Duration) error {
	payload, err := json.Marshal(input)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	onAnswer := func(payload []byte, err error) {
		if err == nil && len(payload) > 0 && output != nil {
			err = json.Unmarshal(payload, output)
		}
		done <- err
	}
	var id uint32
	for inUse := true; inUse; {
		if id = c.LastID.Add(2); id != 0 { // an even id wraps around to 0
			_, inUse = c.waiting.LoadOrStore(id, onAnswer)
		}
	}
	defer time.AfterFunc(timeout, func() { c.settle(id, nil, context.DeadlineExceeded) }).Stop()
	ms := uint32(min(max(1, timeout.Milliseconds()), math.MaxInt32))
	go func() { // because Write waits for a slow reader
		if err := c.send(kindCall, id, ms, method, payload); err != nil {
			c.settle(id, nil, err)
		}
	}()
	return <-done
}

// Handle takes each message and error that Read returns, and leaves those that are no calls to the program.
func (c *Calls) Handle(m *ipc.Message, err error) {
	if err != nil || m.MsgType == -1 && m.Status != "Connecting" && m.Status != "Connected" {
		c.ended.Add(1)
		c.waiting.Range(func(id, _ any) bool { c.settle(id.(uint32), nil, io.ErrUnexpectedEOF); return true })
		return
	}
	name, payload := cut(m.Data, 2, 12)
	if payload != nil && m.Data[1]&flagMeta != 0 {
		_, payload = cut(payload, 0, 2)
	}
	if payload == nil || m.MsgType != rpc1 {
		return
	}
	switch id := binary.BigEndian.Uint32(m.Data[4:]); m.Data[0] {
	case kindCall:
		go c.answer(c.ended.Load(), id, string(name), payload, m.Data[1]&flagOneWay != 0)
	case kindResult:
		c.settle(id, payload, nil)
	case kindError:
		failed := &CallError{Code: string(name)}
		_ = json.Unmarshal(payload, failed)
		c.settle(id, nil, failed)
	}
}

// cut splits b behind a field that starts at from, and whose length stands at lengthAt; rest is nil if b is too short.
func cut(b []byte, lengthAt, from int) (field, rest []byte) {
	if len(b) < from || len(b) < from+int(binary.BigEndian.Uint16(b[lengthAt:])) {
		return nil, nil
	}
	end := from + int(binary.BigEndian.Uint16(b[lengthAt:]))
	return b[from:end], b[end:]
}

func (c *Calls) settle(id uint32, payload []byte, err error) {
	if onAnswer, ok := c.waiting.LoadAndDelete(id); ok {
		onAnswer.(func([]byte, error))(payload, err)
	}
}

func (c *Calls) send(kind byte, id, number uint32, name string, payload []byte) (err error) {
	defer func() {
		if recover() != nil { // Write panics if Read fails meanwhile
			err = io.ErrClosedPipe
		}
	}()
	b := binary.BigEndian.AppendUint16([]byte{kind, codecJSON}, uint16(len(name)))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, id), number)
	return c.Write(rpc1, append(append(b, name...), payload...))
}

func (c *Calls) answer(ended, id uint32, name string, input []byte, isOneWay bool) {
	kind, failed := byte(kindError), &CallError{Code: "ipc.unknown-method", Message: "no such method"}
	var payload []byte
	if method := c.Methods[name]; method != nil {
		failed = &CallError{Code: "ipc.internal", Message: "the method failed"}
		value, err := method(input)
		var own *CallError
		if errors.As(err, &own) && own != nil {
			failed = own
		} else if payload, _ = json.Marshal(value); err == nil && payload != nil {
			kind = kindResult
		}
	}
	if isOneWay || c.ended.Load() != ended || kind == kindResult && c.send(kind, id, 0, "", payload) == nil {
		return
	}
	payload, _ = json.Marshal(map[string]any{"message": failed.Message, "data": failed.Data})
	if payload == nil { // its data cannot be encoded
		payload, _ = json.Marshal(map[string]string{"message": failed.Message})
	}
	_ = c.send(kindError, id, 0, failed.Code, payload)
}
