package quota

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
)

// openRequest is the open request for more of a quota; nil where there is none. AWS takes one at a time.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListRequestedServiceQuotaChangeHistoryByQuota.html
func openRequest(ctx context.Context, client *servicequotas.Client, service, code string) (*Request, error) {
	pages := servicequotas.NewListRequestedServiceQuotaChangeHistoryByQuotaPaginator(client, &servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaInput{
		ServiceCode: &service, QuotaCode: &code,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, asked := range page.RequestedQuotas {
			if asked.Status == types.RequestStatusPending || asked.Status == types.RequestStatusCaseOpened {
				return requestOf(asked), nil
			}
		}
	}
	return nil, nil
}

func requestOf(asked types.RequestedServiceQuotaChange) *Request {
	return &Request{
		ID: aws.ToString(asked.Id), Case: aws.ToString(asked.CaseId), Desired: aws.ToFloat64(asked.DesiredValue),
		Status: string(asked.Status), At: aws.ToTime(asked.Created).UTC(),
	}
}
