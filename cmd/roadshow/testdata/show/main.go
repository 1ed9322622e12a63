// Command show is the program that the scripts run. Its argument picks what is wrong with it, or what has
// changed.
package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

func main() {
	fault := ""
	if len(os.Args) > 1 {
		fault = os.Args[1]
	}
	if fault == "old" {
		os.Unsetenv("ROADSHOW_ASK")
	}
	app := stack.App{Service: "show", Stages: stages.Set{dev, staging, production, dev.Template("pr-*")}, Define: func(s *stack.Stack) {
		config := stack.FunctionConfig{Package: "./functions/create-note", Environment: map[string]string{}}
		config.Memory = stages.Pick(s, 256, stages.When(production, 1024))
		switch fault {
		case "branch":
			if strings.HasPrefix(*s.CDK.StackName(), "production") {
				config.Description = "undeclared"
			}
		case "surroundings":
			home, _ := os.UserHomeDir()
			folder, _ := os.Getwd()
			keys := ""
			for key := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10} {
				keys += key
			}
			config.Environment = map[string]string{
				"TIME": time.Now().String(), "YEAR": strconv.Itoa(time.Now().Year()), "ZONE": time.Local.String(), "RANDOM": strconv.Itoa(rand.Int()),
				"VARIABLE": os.Getenv("ROADSHOW_TEST_MODE"), "HOME_FOLDER": home, "FOLDER": folder, "MAP": keys,
			}
		case "longer":
			config.Timeout = 20 * time.Second
		case "stale":
			config.Timeout = stages.Pick(s, 5*time.Second, stages.When(production, 5*time.Second))
		case "panic":
			panic("the definition panics")
		case "collision":
			s.Name(stages.DynamoDBTable, "x")
			s.Name(stages.DynamoDBTable, "x")
		}
		stack.NewFunction(s, "f", config)
		table := stack.TableConfig{PartitionKey: stack.StringKey("id"), DAX: &stack.DAXConfig{Stages: stages.Only(production)}}
		if fault == "indexes" {
			table.GlobalIndexes = []stack.GlobalIndexConfig{
				{Name: "by-author", PartitionKey: stack.StringKey("author")}, {Name: "by-day", PartitionKey: stack.StringKey("day")},
			}
		}
		stack.NewTable(s, "notes", table)
	}}
	app.Main()
}
