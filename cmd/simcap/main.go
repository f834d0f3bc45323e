// Command simcap tells what a serverless GPU platform will cost and how fast it will answer.
package main

import "os"

func main() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
