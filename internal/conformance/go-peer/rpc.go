package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

const (
	rpc1       = 0x72706331
	callFrame  = 1
	result     = 6
	failure    = 7
	codecJSON  = 0x10
	headerSize = 12
)

// frame is kind, flags, nameLength u16, id u32, number u32, name, then [ metaLength u16, meta ] and the payload.
type frame struct {
	kind, flags byte
	id, number  uint32
	name        string
	payload     []byte
}

func (f frame) encode() []byte {
	b := make([]byte, headerSize, headerSize+len(f.name)+len(f.payload))
	b[0], b[1] = f.kind, f.flags
	binary.BigEndian.PutUint16(b[2:], uint16(len(f.name)))
	binary.BigEndian.PutUint32(b[4:], f.id)
	binary.BigEndian.PutUint32(b[8:], f.number)
	return append(append(b, f.name...), f.payload...)
}

func decodeFrame(b []byte) (f frame, ok bool) {
	if len(b) < headerSize {
		return f, false
	}
	at := headerSize + int(binary.BigEndian.Uint16(b[2:]))
	if at > len(b) {
		return f, false
	}
	f = frame{b[0], b[1], binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), string(b[headerSize:at]), b[at:]}
	if f.flags&4 != 0 { // meta, which this program does not use
		if len(f.payload) < 2 || len(f.payload) < 2+int(binary.BigEndian.Uint16(f.payload)) {
			return f, false
		}
		f.payload = f.payload[2+int(binary.BigEndian.Uint16(f.payload)):]
	}
	return f, true
}

// rpcPeer answers unary calls with JSON and makes them.
type rpcPeer struct {
	write   func(int, []byte) error
	methods map[string]func(json.RawMessage) (any, error)
	mutex   sync.Mutex
	next    uint32 // odd on the side that dialled, even on the other
	waiting map[uint32]chan frame
}

func (p *rpcPeer) call(method string, input, output any) error {
	payload, err := json.Marshal(input)
	if err != nil {
		return err
	}
	answer := make(chan frame, 1)
	p.mutex.Lock()
	id := p.next
	p.next += 2
	p.waiting[id] = answer
	p.mutex.Unlock()
	if err := p.write(rpc1, frame{callFrame, codecJSON, id, 5_000, method, payload}.encode()); err != nil {
		return err
	}
	got := <-answer
	if got.kind == failure {
		return fmt.Errorf("%s: %s", got.name, got.payload)
	}
	return json.Unmarshal(got.payload, output)
}

func (p *rpcPeer) take(m *ipc.Message) {
	f, ok := decodeFrame(m.Data)
	if !ok || m.MsgType != rpc1 {
		return
	}
	if f.kind == callFrame {
		go p.answer(f)
		return
	}
	p.mutex.Lock()
	answer, ok := p.waiting[f.id]
	delete(p.waiting, f.id)
	p.mutex.Unlock()
	if ok && (f.kind == result || f.kind == failure) {
		answer <- f
	}
}

func (p *rpcPeer) answer(f frame) {
	reply := frame{kind: failure, flags: codecJSON, id: f.id, name: "ipc.unknown-method", payload: []byte(`{"message":"no such method"}`)}
	if method, ok := p.methods[f.name]; ok {
		value, err := method(f.payload)
		if err == nil {
			reply.kind, reply.name = result, ""
			reply.payload, err = json.Marshal(value)
		}
		if err != nil {
			reply.kind, reply.name, reply.payload = failure, err.Error(), []byte(`{"data":{"from":"Go"}}`)
		}
	}
	if f.flags&1 == 0 { // a one-way call has no answer
		_ = p.write(rpc1, reply.encode())
	}
}
