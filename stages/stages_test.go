package stages

// The stages of the tests: one of each tier.
var (
	dev        = Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: Sandbox}
	staging    = Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production = Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: Protected}
	three      = Set{dev, staging, production}
)
