package main

import (
	"hash/crc32"
	"sync"
)

// tally sums up a run of messages. The checksum is a CRC-32 over the data in order, so it also notices reordering.
type tally struct {
	Count    int    `json:"count"`
	Bytes    int    `json:"bytes"`
	Checksum uint32 `json:"checksum"`

	mutex sync.Mutex
}

func (t *tally) add(data []byte) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.Count++
	t.Bytes += len(data)
	t.Checksum = crc32.Update(t.Checksum, crc32.IEEETable, data)
}

// take returns what was counted and starts again from zero.
func (t *tally) take() *tally {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	taken := &tally{Count: t.Count, Bytes: t.Bytes, Checksum: t.Checksum}
	t.Count, t.Bytes, t.Checksum = 0, 0, 0
	return taken
}

// payload gives message number i of a run: size bytes, different from its neighbours' and from a shifted copy of itself.
func payload(i, size int) []byte {
	data := make([]byte, size)
	for j := range data {
		data[j] = byte(i + j*7 + j>>8)
	}
	return data
}
