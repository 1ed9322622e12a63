// Package stack stands for Roadshow's.
package stack

import (
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/stages"
)

type Stack struct{ Node constructs.Node }

type App struct {
	Service string
	Define  func(*Stack)
}

func (a App) Main() { a.Define(&Stack{}) }

func (a App) Selected() (stages.Stage, error) { return stages.Stage{}, nil }

type Function struct{ config FunctionConfig }

type FunctionConfig struct {
	Memory      int
	Description string
	Environment map[string]string
	Override    func(*int)
}

func NewFunction(s *Stack, id string, config FunctionConfig) *Function { return &Function{config} }

type Aspect interface{ Visit(int) }

func AddAspect(s *Stack, aspect Aspect) { aspect.Visit(0) }
