// Command broken is a handler that does not compile.
package main

func main() {
	handle(undefined)
}
