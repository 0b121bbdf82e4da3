module github.com/fitmq/fitmq

go 1.26
