package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
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

// benchWindow is how long a window of a warm-up lasts.
const benchWindow = 100 * time.Millisecond

// benchFlows is how many flows in one direction a window of a warm-up has.
const benchFlows = 5

type benchResult struct {
	TimesUs      []float64 `json:"timesUs"`      // of the round trips, in microseconds
	TimesSettled bool      `json:"timesSettled"` // whether their warm-up did
	PerSecond    float64   `json:"perSecond"`    // one way, until the server has told that all have arrived; 0: not measured
	RateSettled  bool      `json:"rateSettled"`  // whether its warm-up did
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
	result := benchResult{}
	result.TimesSettled, err = settle(func() ([]float64, error) {
		return pingBench(client, data, math.MaxInt, min(benchWindow, opts.pingLimit))
	})
	if err != nil {
		return err
	}
	if result.TimesUs, err = pingBench(client, data, opts.pings, opts.pingLimit); err != nil {
		return err
	}
	if opts.count > 0 {
		result.RateSettled, err = settle(func() ([]float64, error) {
			var rates []float64
			for len(rates) < benchFlows {
				rate, err := sendBench(client, data, max(opts.count/10/benchFlows, 1))
				if err != nil {
					return nil, err
				}
				rates = append(rates, rate)
			}
			return rates, nil
		})
		if err != nil {
			return err
		}
		if result.PerSecond, err = sendBench(client, data, opts.count); err != nil {
			return err
		}
	}
	out.emit(event{Event: "bench", Result: result})
	return nil
}

// settle runs windows until the medians of three in a row differ by 5 % at the most, as apps/bench does for every contestant.
// It reports false when 20 did not settle.
func settle(window func() ([]float64, error)) (bool, error) {
	var medians []float64
	for i := 0; i < 20; i++ {
		values, err := window()
		if err != nil {
			return false, err
		}
		slices.Sort(values)
		medians = append(medians, values[len(values)/2])
		if last := medians[max(0, len(medians)-3):]; len(last) == 3 && slices.Max(last) <= slices.Min(last)*1.05 {
			return true, nil
		}
	}
	return false, nil
}

// pingBench makes count round trips, or as many as come about until the limit, and returns how long each took in microseconds.
func pingBench(client *ipc.Client, data []byte, count int, limit time.Duration) ([]float64, error) {
	var times []float64
	for start := time.Now(); len(times) == 0 || len(times) < count && time.Since(start) < limit; {
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
