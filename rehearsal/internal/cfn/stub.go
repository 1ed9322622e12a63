package cfn

import "context"

// Engine holds the stacks of every place.
type Engine struct{}

func newEngine(Options) *Engine { return &Engine{} }

func (e *Engine) createChangeSet(ctx context.Context, at Place, in CreateChangeSetInput) (r0 ChangeSetIdentity, r1 error) {
	return
}
func (e *Engine) describeChangeSet(at Place, stack, changeSet string) (r0 ChangeSet, r1 error) {
	return
}
func (e *Engine) listChangeSets(at Place, stack string) (r0 []ChangeSet, r1 error) { return }
func (e *Engine) executeChangeSet(ctx context.Context, at Place, in ExecuteChangeSetInput) (r0 error) {
	return
}
func (e *Engine) deleteChangeSet(at Place, stack, changeSet string) (r0 error) { return }
func (e *Engine) createStack(ctx context.Context, at Place, in CreateStackInput) (r0 string, r1 error) {
	return
}
func (e *Engine) updateStack(ctx context.Context, at Place, in CreateStackInput) (r0 string, r1 error) {
	return
}
func (e *Engine) describeStacks(at Place, stack string) (r0 []Stack, r1 error)           { return }
func (e *Engine) listStacks(at Place, statuses []string) (r0 []Stack)                    { return }
func (e *Engine) describeStackEvents(at Place, stack string) (r0 []StackEvent, r1 error) { return }
func (e *Engine) describeStackResources(at Place, stack, logicalID string) (r0 []StackResource, r1 error) {
	return
}
func (e *Engine) findStackOf(at Place, physicalID string) (r0 []StackResource, r1 error) { return }
func (e *Engine) getTemplate(at Place, stack, changeSet string) (r0 string, r1 error)    { return }
func (e *Engine) getTemplateSummary(ctx context.Context, at Place, stack string, source TemplateSource) (r0 TemplateSummary, r1 error) {
	return
}
func (e *Engine) validateTemplate(ctx context.Context, at Place, source TemplateSource) (r0 TemplateSummary, r1 error) {
	return
}
func (e *Engine) updateTerminationProtection(at Place, stack string, enabled bool) (r0 string, r1 error) {
	return
}
func (e *Engine) deleteStack(ctx context.Context, at Place, in DeleteStackInput) (r0 error) { return }
func (e *Engine) continueUpdateRollback(ctx context.Context, at Place, stack string, skip []string) (r0 error) {
	return
}
func (e *Engine) rollbackStack(ctx context.Context, at Place, stack string, retainExceptOnCreate bool) (r0 string, r1 error) {
	return
}
func (e *Engine) listExports(at Place) (r0 []Export)                          { return }
func (e *Engine) listImports(at Place, export string) (r0 []string, r1 error) { return }
func (e *Engine) wait(ctx context.Context) (r0 error)                         { return }
func (e *Engine) close()                                                      {}
