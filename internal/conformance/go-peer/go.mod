module ipc-go-peer

go 1.21

require github.com/joe-at-startupmedia/golang-ipc v1.3.5

require (
	github.com/sirupsen/logrus v1.9.3 // indirect
	golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect
)
