package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	ipc "github.com/joe-at-startupmedia/golang-ipc"
)

// Types of the messages of a benchmark; apps/bench has the same kinds.
const (
	benchEcho   = 49 // sent back as it is
	benchCount  = 50 // counted, together with its bytes
	benchReport = 52 // asks for the count and the bytes since the last report, or tells them
)

// benchQuantiles are those of apps/bench.
var benchQuantiles = []float64{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999}

type benchResult struct {
	QuantilesUs []float64 `json:"quantilesUs"` // of the round trips
	PerSecond   float64   `json:"perSecond"`   // one way, until the server has told that all have arrived
}

// serveBench is the server's end of a benchmark, and ends when its stdin does.
func serveBench(opts options) error {
	server, err := ipc.StartServer(&ipc.ServerConfig{Name: opts.name, Encryption: opts.encryption})
	if err != nil {
		return err
	}
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}()
	count, size := 0, 0
	for {
		m, err := server.Read()
		if err != nil {
			return err
		}
		switch m.MsgType {
		case benchEcho:
			err = server.Write(benchEcho, m.Data)
		case benchCount:
			count++
			size += len(m.Data)
		case benchReport:
			err = server.Write(benchReport, []byte(fmt.Sprintf("%d %d", count, size)))
			count, size = 0, 0
		}
		if err != nil {
			return err
		}
	}
}

// measureBench is the client's end; a second process of this program is the server. Nothing but golang-ipc is between them.
func measureBench(opts options, out *events) error {
	opts.name = fmt.Sprintf("ipc-bench-%d", os.Getpid())
	self, err := os.Executable()
	if err != nil {
		return err
	}
	server := exec.Command(self, "--role", "bench-server", "--name", opts.name, fmt.Sprintf("--encryption=%t", opts.encryption))
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	defer func() {
		_ = stdin.Close()
		_ = server.Wait()
		_ = os.Remove("/tmp/" + opts.name + ".sock")
	}()
	client, err := dial(opts)
	if err != nil {
		return err
	}
	data := bytes.Repeat([]byte{'a'}, opts.size)
	times, err := pingBench(client, data, opts.pings)
	if err != nil {
		return err
	}
	result := benchResult{}
	for _, q := range benchQuantiles {
		result.QuantilesUs = append(result.QuantilesUs, times[min(len(times)-1, int(float64(len(times))*q))])
	}
	// The first run warms up what there is to warm up, as for every contestant.
	for _, count := range []int{max(opts.count/10, 1), opts.count} {
		if result.PerSecond, err = sendBench(client, data, count); err != nil {
			return err
		}
	}
	out.emit(event{Event: "bench", Result: result})
	return nil
}

// pingBench returns how long each round trip took in microseconds, the shortest first.
func pingBench(client *ipc.Client, data []byte, count int) ([]float64, error) {
	times := make([]float64, 0, count)
	for i := 0; i < count; i++ {
		from := time.Now()
		if err := client.Write(benchEcho, data); err != nil {
			return nil, err
		}
		m, err := readBench(client)
		if err != nil {
			return nil, err
		}
		times = append(times, float64(time.Since(from).Nanoseconds())/1e3)
		if !bytes.Equal(m.Data, data) {
			return nil, fmt.Errorf("%d bytes came back, different", len(m.Data))
		}
	}
	slices.Sort(times)
	return times, nil
}

func sendBench(client *ipc.Client, data []byte, count int) (float64, error) {
	from := time.Now()
	for i := 0; i < count; i++ {
		if err := client.Write(benchCount, data); err != nil {
			return 0, err
		}
	}
	if err := client.Write(benchReport, []byte(strconv.Itoa(count))); err != nil {
		return 0, err
	}
	m, err := readBench(client)
	if err != nil {
		return 0, err
	}
	seconds := time.Since(from).Seconds()
	if want := fmt.Sprintf("%d %d", count, count*len(data)); string(m.Data) != want {
		return 0, errors.New("sent " + want + ", arrived " + string(m.Data))
	}
	return float64(count) / seconds, nil
}

// readBench passes over what golang-ipc tells of its connection.
func readBench(client *ipc.Client) (*ipc.Message, error) {
	for {
		m, err := client.Read()
		if err != nil || m.MsgType >= 0 {
			return m, err
		}
	}
}
