module example.com/ext-resources

go 1.26

// npm packages hold Go files of their own, which are no part of this module.
ignore ./node_modules

require (
	github.com/aws/aws-lambda-go v1.50.0
	github.com/roadshow-go/roadshow v0.1.0
)
