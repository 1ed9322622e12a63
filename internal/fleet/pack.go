package fleet

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// pack makes the zips that several stages need, once for all of them: each run of the cdk command would make its own. It
// leaves out what a stage has deployed already. Whatever goes wrong with it is no error, since the command then makes its
// zips itself.
func (d Deployment) pack(ctx context.Context, all []stages.Stage) {
	var mu sync.Mutex
	folders, wanted := map[string]string{}, map[string][]assembly.Synthesized{} // by the asset's id
	parallel.ForEach(ctx, AccountsAtOnce, all, func(ctx context.Context, _ int, stage stages.Stage) {
		one, synthesized := d.Assembly.Stage(stage.Name)
		if !synthesized {
			return
		}
		there, err := d.deployed(ctx, stage, one.StackName)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, asset := range d.Assembly.Assets(one) {
			if asset.Folder && !bytes.Contains(there.template, []byte(asset.ID)) {
				folders[asset.ID], wanted[asset.ID] = asset.Path, append(wanted[asset.ID], one)
			}
		}
	})
	maps.DeleteFunc(wanted, func(_ string, by []assembly.Synthesized) bool { return len(by) < 2 })
	parallel.ForEach(ctx, runtime.GOMAXPROCS(0), slices.Sorted(maps.Keys(wanted)), func(ctx context.Context, _ int, id string) {
		first := d.Assembly.packed(wanted[id][0], id)
		if err := packFolder(ctx, folders[id], first); err != nil {
			return
		}
		for _, one := range wanted[id][1:] {
			other := d.Assembly.packed(one, id)
			if err := os.MkdirAll(filepath.Dir(other), 0o755); err == nil {
				_ = os.Link(first, other) // without it the cdk command makes one
			}
		}
	})
}

// packFolder writes a folder's files into a zip, which is there whole or not at all. It has no times of its own, so that
// the same files make the same zip.
func packFolder(ctx context.Context, folder, file string) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(file), "*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err == nil {
			err = os.Rename(out.Name(), file)
		}
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	return PackFolder(ctx, folder, out, zip.Deflate)
}

// PackFolder writes a folder's files as a zip, each by a method of package zip. It has no times of its own, so that the
// same files make the same zip.
func PackFolder(ctx context.Context, folder string, out io.Writer, method uint16) error {
	archive := zip.NewWriter(out)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no file, and the cdk command has to follow it", path)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		header, err := zip.FileInfoHeader(info)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		header.Name, header.Method, header.Modified = filepath.ToSlash(name), method, time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
		writer, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(writer, in)
		return err
	})
	return errors.Join(err, archive.Close())
}
