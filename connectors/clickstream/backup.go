package clickstream

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/disk"
	bolt "go.etcd.io/bbolt"
)

// Compact rewrites the main file without what is deleted in it, so that nothing of forgotten people is left there. Intake
// and reading wait meanwhile: about a second per hundred thousand people.
func (s *Store) Compact(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.intake.Lock()
	defer s.intake.Unlock()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	s.mainMu.Lock()
	defer s.mainMu.Unlock()
	if err := s.compact(); err != nil {
		return s.fail("compact", err)
	}
	return nil
}

// Bounds from which on the main file is worth writing anew.
const (
	sparseBytes = 64 << 20
	sparseShare = 0.6 // of it in use
)

// Sparse says whether much of the main file is empty: Compact then pays. It reads every page's header.
func (s *Store) Sparse() (bool, error) {
	info, err := os.Stat(filepath.Join(s.dir, mainFile))
	if err != nil || info.Size() < sparseBytes {
		return false, err
	}
	used := 0
	err = s.view(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
			st := b.Stats()
			used += st.LeafInuse + st.BranchInuse
			return nil
		})
	})
	if err != nil {
		return false, s.fail("measure the main file", err)
	}
	return float64(used) < sparseShare*float64(info.Size()), nil
}

func (s *Store) compact() error {
	path := filepath.Join(s.dir, mainFile)
	fresh, err := bolt.Open(path+".new", 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = bolt.Compact(fresh, s.main, compactedBytes)
	if err == nil {
		err = fresh.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyForgotten) })
	}
	if err = errors.Join(err, fresh.Close()); err != nil {
		os.Remove(path + ".new")
		return err
	}
	// Nobody can take the old file between the two steps but a process that then finds it replaced: the lock is on the file.
	if err := os.Rename(path+".new", path); err != nil {
		os.Remove(path + ".new")
		return err
	}
	if err := disk.SyncDir(s.dir); err != nil {
		return err
	}
	if err := s.main.Close(); err != nil {
		return err
	}
	main, err := openMain(path, s.o.NoSync)
	if err != nil {
		return err // the closed one stays: every later call fails in a clear way
	}
	s.main = main
	return nil
}

// Backup writes a copy of the store into dir, which must be empty or absent, while the store is in use.
func (s *Store) Backup(ctx context.Context, dir string) error {
	if err := s.backup(ctx, dir); err != nil {
		return s.fail("back up", err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err != nil {
		return err
	} else if len(entries) > 0 {
		return connectors.Errorf(connectors.Config, "clickstream: back up", "%s is not empty", dir)
	}
	s.upkeep.Lock() // no listed segment goes away
	defer s.upkeep.Unlock()
	var metas []meta
	err := s.view(func(tx *bolt.Tx) error {
		err := tx.Bucket(bucketSegments).ForEach(func(k, v []byte) error {
			m, err := decodeMeta(binary.BigEndian.Uint64(k), v)
			metas = append(metas, m)
			return err
		})
		if err != nil {
			return err
		}
		return tx.CopyFile(filepath.Join(dir, mainFile), 0o600)
	})
	if err != nil {
		return err
	}
	for _, m := range metas {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyFile(segmentPath(s.dir, m.seq), segmentPath(dir, m.seq)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
