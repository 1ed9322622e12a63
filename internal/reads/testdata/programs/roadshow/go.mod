module github.com/roadshow-go/roadshow

go 1.26
