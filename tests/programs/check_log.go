// Check a published log with Go's own packages for notes and logs.
//
//	check_log FOLDER VKEY [PROOFS]
//
// (1) the checkpoint is signed by VKEY; (2) every entry is in the tree that the tiles
// make; (3) older sizes are beginnings of it; (4) the proofs in the JSON file PROOFS,
// made by the program under test, are accepted. One line, or exit 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		// C2SP leaves out the height: tile/8/0/001 is tile/0/001.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

type proofs struct {
	Inclusion []struct {
		Index int64
		Path  [][]byte
	}
	Consistency []struct {
		Old  int64
		Root []byte
		Path [][]byte
	}
}

func main() {
	folder, vkey := os.Args[1], os.Args[2]

	// (1)
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	verifier, err := note.NewVerifier(vkey)
	check(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	tree := tlog.Tree{N: size, Hash: hash(root)}
	reader := tlog.TileHashReader(tree, tiles{folder})

	// (2)
	entries := bundles(folder, size)
	for index, entry := range entries {
		proof, err := tlog.ProveRecord(size, int64(index), reader)
		check(err)
		check(tlog.CheckRecord(proof, size, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}

	// (3)
	for old := int64(1); old <= size; old += 7 {
		before, err := tlog.TreeHash(old, reader)
		check(err)
		proof, err := tlog.ProveTree(size, old, reader)
		check(err)
		check(tlog.CheckTree(proof, size, tree.Hash, old, before))
	}

	// (4)
	var ours proofs
	if len(os.Args) > 3 {
		data, err := os.ReadFile(os.Args[3])
		check(err)
		check(json.Unmarshal(data, &ours))
	}
	for _, each := range ours.Inclusion {
		leaf := tlog.RecordHash(entries[each.Index])
		check(tlog.CheckRecord(hashes(each.Path), size, tree.Hash, each.Index, leaf))
	}
	for _, each := range ours.Consistency {
		path := tlog.TreeProof(hashes(each.Path))
		check(tlog.CheckTree(path, size, tree.Hash, each.Old, hash(each.Root)))
	}
	fmt.Printf("%s: %d entries, %d proofs\n", lines[0], len(entries),
		len(ours.Inclusion)+len(ours.Consistency))
}

func bundles(folder string, size int64) [][]byte {
	var entries [][]byte
	for index := int64(0); index*256 < size; index++ {
		tile := tlog.Tile{H: 8, L: 0, N: index, W: 256}
		if size-index*256 < 256 {
			tile.W = int(size - index*256)
		}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		check(err)
		for range make([]struct{}, tile.W) {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				check(fmt.Errorf("malformed bundle: %s is short", path))
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			entries = append(entries, data[2:end])
			data = data[end:]
		}
		if len(data) > 0 {
			check(fmt.Errorf("malformed bundle: %s is long", path))
		}
	}
	return entries
}

func hash(data []byte) (found tlog.Hash) {
	if copy(found[:], data) != tlog.HashSize || len(data) != tlog.HashSize {
		check(fmt.Errorf("a hash has %d bytes", len(data)))
	}
	return found
}

func hashes(path [][]byte) (found []tlog.Hash) {
	for _, each := range path {
		found = append(found, hash(each))
	}
	return found
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
