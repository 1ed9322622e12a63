// Package jsii stands for the runtime of the CDK.
package jsii

func String(value string) *string { return &value }

func StaticGet(name, property string, result any) {}

func Close() {}
