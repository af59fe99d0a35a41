// Check proofs with @transmute/rfc9162: node transmute_proofs.js PROOFS
// One line, or exit 1.
const { readFileSync } = require("fs");
const api = require("@transmute/rfc9162").default;

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const given = JSON.parse(readFileSync(process.argv[2]));

(async () => {
  const root = bytes(given.root);
  for (const { index, entry, path } of given.inclusion) {
    const proof = {
      log_id: "",
      tree_size: given.size,
      leaf_index: index,
      inclusion_path: path.map(bytes),
    };
    const leaf = await api.leaf(bytes(entry));
    if (!(await api.verifyInclusionProof(root, leaf, proof))) {
      throw new Error(`inclusion of entry ${index} is refused`);
    }
  }
  for (const { old, root: before, path } of given.consistency) {
    // It wants step 2 of RFC 9162, 2.1.4.2 done already: of a complete old tree the
    // old root stands before the path.
    const complete = (old & (old - 1)) === 0;
    const proof = {
      log_id: "",
      tree_size_1: old,
      tree_size_2: given.size,
      consistency_path: (complete ? [before, ...path] : path).map(bytes),
    };
    if (!(await api.verifyConsistencyProof(bytes(before), root, proof))) {
      throw new Error(`consistency with ${old} entries is refused`);
    }
  }
  console.log(given.inclusion.length + given.consistency.length, "proofs");
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
