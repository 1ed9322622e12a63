package stack

import (
	"fmt"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// placeRule is what the ARN of one field, or of one property of a resource, must share with the stage. The partition
// it always must.
type placeRule struct {
	fields             []string // of configs, by type and field
	resource, property string   // as in [textRule]
	account, region    bool
	docs               string
}

// places has a row for each ARN that AWS takes only from the stage's own place.
var places = []placeRule{
	{
		fields: []string{"DomainConfig.Certificate"}, resource: "AWS::ApiGatewayV2::DomainName", property: "DomainNameConfigurations[].CertificateArn",
		account: true, region: true, docs: "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html",
	},
	{
		fields: []string{"EncryptionConfig.KeyARN"}, resource: "AWS::DynamoDB::Table", property: "SSESpecification.KMSMasterKeyId",
		account: true, region: true, docs: "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#customer-mgn-key",
	},
	{
		fields: []string{"FunctionConfig.Layers"}, resource: "AWS::Lambda::Function", property: "Layers[]",
		region: true, docs: "https://docs.aws.amazon.com/lambda/latest/dg/adding-layers.html",
	},
	{
		fields: []string{"AlarmConfig.Actions"}, resource: "AWS::CloudWatch::Alarm", property: "AlarmActions[]",
		region: true, docs: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
	},
	{
		resource: "AWS::Lambda::Function", property: "KmsKeyArn",
		region: true, docs: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	},
	{
		resource: "AWS::Lambda::Function", property: "Role",
		account: true, docs: "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
	},
}

// placeOf is the row of a config's field.
func placeOf(field string) *placeRule {
	for i, row := range places {
		for _, one := range row.fields {
			if one == field {
				return &places[i]
			}
		}
	}
	return nil
}

// fault is that an ARN is of another place than the stage; nil where it is not, or no ARN. What the template
// fills in, such as ${AWS::Region}, is the stage's own.
func (p placeRule) fault(path, arn string, stage stages.Stage) *ConfigError {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return nil
	}
	for _, one := range []struct {
		name, got, want string
		compared        bool
	}{
		{"partition", parts[1], stages.Partition(stage.Region), true},
		{"region", parts[3], stage.Region, p.region},
		{"account", parts[4], stage.Account, p.account},
	} {
		if !one.compared || one.got == one.want || strings.Contains(one.got, "${") || one.got == "" {
			continue
		}
		return &ConfigError{
			Field: path, Got: fmt.Sprintf("an ARN of %s %s: %s", one.name, one.got, quoted(arn)),
			Want: fmt.Sprintf("one of %s %s, where stage %s is", one.name, one.want, stage.Name),
			Fix:  "pick the stage's own, as in stages.Pick(s, …, stages.When(…, …))", Docs: p.docs,
		}
	}
	return nil
}
