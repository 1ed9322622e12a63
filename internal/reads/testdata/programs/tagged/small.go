//go:build !production

package main

func size() int { return 1 } // want "build: //go:build !production"
