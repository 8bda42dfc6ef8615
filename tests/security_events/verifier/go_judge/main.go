// Judge checkpoints and proofs with the reference code of Go's checksum database.
//
// Standard input: {"origin": name, "keys": [vkey], "cases": [case]}. Standard output: one text for each case, empty if
// it is accepted, otherwise why it is not.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type judged struct {
	Kind      string   // checkpoint, inclusion, consistency or cosignature
	Note      string   // the checkpoint; of a consistency proof the newer one
	Old       string   // the older checkpoint of a consistency proof
	Hashes    []string // of a consistency proof
	Proof     string   // a tlog-proof file
	Leaf      []byte   // the content of the leaf that it proves
	Cosigners int      // how many witnesses have to have signed
}

type input struct {
	Origin string
	Keys   []string
	Cases  []judged
}

// cosigner verifies cosignature/v1 (C2SP tlog-cosignature), which sumdb/note does not know.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(c.key, []byte(message), signature[8:])
}

func newVerifier(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) == 3 {
		material, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(material) == 33 && material[0] == 4 {
			sum := sha256.Sum256(append([]byte(parts[0]+"\n"), material...))
			hash := binary.BigEndian.Uint32(sum[:])
			if fmt.Sprintf("%08x", hash) != parts[1] {
				return nil, errors.New("the id of the key does not fit")
			}
			return cosigner{parts[0], hash, material[1:]}, nil
		}
	}
	return note.NewVerifier(vkey)
}

// open returns the tree of a checkpoint that the log has signed, and how many witnesses have.
func open(text, origin string, keys note.Verifiers) (tree tlog.Tree, cosigners int, err error) {
	opened, err := note.Open([]byte(text), keys)
	if err != nil {
		return tree, 0, err
	}
	isSigned := false
	for _, signature := range opened.Sigs {
		verifier, _ := keys.Verifier(signature.Name, signature.Hash)
		if _, is := verifier.(cosigner); is {
			cosigners++
		} else {
			isSigned = true
		}
	}
	if !isSigned {
		return tree, 0, errors.New("not signed by the log")
	}
	// sumdb/tlog reads the same lines behind a first line of its own.
	first, rest, _ := strings.Cut(opened.Text, "\n")
	if first != origin {
		return tree, 0, errors.New("a checkpoint of another log")
	}
	tree, err = tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	return tree, cosigners, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var parsed []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, hash)
	}
	return parsed, nil
}

func inclusion(each judged, origin string, keys note.Verifiers) error {
	head, checkpoint, found := strings.Cut(each.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return errors.New("no proof file")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashes(lines[2:])
	if err != nil {
		return err
	}
	tree, _, err := open(checkpoint, origin, keys)
	if err != nil {
		return err
	}
	if index >= tree.N {
		return errors.New("no such leaf") // tlog panics
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(each.Leaf))
}

func consistency(each judged, origin string, keys note.Verifiers) error {
	old, _, err := open(each.Old, origin, keys)
	if err != nil {
		return err
	}
	tree, _, err := open(each.Note, origin, keys)
	if err != nil {
		return err
	}
	path, err := hashes(each.Hashes)
	if err != nil {
		return err
	}
	if old.N > tree.N {
		return errors.New("the newer tree is smaller")
	}
	return tlog.CheckTree(path, tree.N, tree.Hash, old.N, old.Hash)
}

func judge(each judged, origin string, keys note.Verifiers) error {
	switch each.Kind {
	case "checkpoint":
		_, cosigners, err := open(each.Note, origin, keys)
		if err == nil && cosigners != each.Cosigners {
			return fmt.Errorf("%d witnesses have signed", cosigners)
		}
		return err
	case "inclusion":
		return inclusion(each, origin, keys)
	case "consistency":
		return consistency(each, origin, keys)
	}
	return errors.New("unknown kind " + each.Kind)
}

func main() {
	var given input
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	var verifiers []note.Verifier
	for _, vkey := range given.Keys {
		verifier, err := newVerifier(vkey)
		if err != nil {
			panic(err)
		}
		verifiers = append(verifiers, verifier)
	}
	keys := note.VerifierList(verifiers...)
	answers := make([]string, len(given.Cases))
	for i, each := range given.Cases {
		if err := judge(each, given.Origin, keys); err != nil {
			answers[i] = err.Error()
		}
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
