// Package rehearsaltest runs services in Go tests as `roadshow rehearse` runs them: every stage in an
// account of its own on this machine, functions under the roles of the template, HTTP APIs on loopback,
// tables that hold items. No AWS account is asked, and nothing is left running.
//
//	func TestANoteIsRead(t *testing.T) {
//		api := rehearsaltest.Run(t, app).Stage(Dev).API("api")
//		var note struct{ ID, Text string }
//		api.Post("/notes", map[string]string{"text": "milk"}).Into(&note)
//		require.Equal(t, 200, api.Get("/notes/"+note.ID).Status)
//	}
//
// Run takes a few seconds, most of them to synthesize and to compile, so tests that need the same services
// share a world: as subtests, each with [World.With]. A world may be used by several tests at once.
//
// What the functions log, and which grant is missing where one may not do what it does, is in the test's
// log: `go test -v` shows it, and so does a failure.
package rehearsaltest
