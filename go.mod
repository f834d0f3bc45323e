module github.com/simcap/simcap

go 1.26
