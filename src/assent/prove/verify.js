"use strict";
// The verifier of `assent verify`, once more, for a browser: the same checks in the same
// order, the same words (TEXT, written into the page by `assent.prove.page`), no network.
// docs/formats.md, section 17, is what both follow.

class Refused extends Error {}
const refuse = (why) => { throw new Refused(why); };

// --- bytes and hashes -----------------------------------------------------------------

const utf8 = (text) => new TextEncoder().encode(text);
const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const HASH = 32;
const EMPTY = new Uint8Array(HASH);

const length64 = (number) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
};

async function keyed(key, label, ...parts) {
  const name = { name: "HMAC", hash: "SHA-256" };
  const mac = await crypto.subtle.importKey("raw", key, name, false, ["sign"]);
  const message = [utf8("assent/v1/" + label)];
  for (const part of parts) message.push(Uint8Array.of(0), length64(part.length), part);
  return new Uint8Array(await crypto.subtle.sign("HMAC", mac, join(...message)));
}

async function signedBy(publicKey, signature, message) {
  try {
    const key = await crypto.subtle.importKey(
      "raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  } catch (error) {
    if (error.name === "NotSupportedError") throw error; // this browser has no Ed25519
    return false;
  }
}

// Python orders texts by code point, JavaScript by 16-bit unit.
function byCodePoint(a, b) {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = left[at].codePointAt(0) - right[at].codePointAt(0);
    if (difference) return difference;
  }
  return left.length - right.length;
}
const ordered = (texts) =>
  texts.every((text, at) => at === 0 || byCodePoint(texts[at - 1], text) < 0);

// --- JSON that has one reading only ---------------------------------------------------

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const printable = (text) => !UNPRINTABLE.test(text);
const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === "string" && value !== "";
const isName = (value) => isText(value) && printable(value);
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const has = (value, key) => Object.prototype.hasOwnProperty.call(value, key);

function canonical(value) { // RFC 8785
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) refuse("a text is not well formed");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    const whole = Number.isInteger(value) && Math.abs(value) < 1e21;
    if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value)))
      refuse("a number is too large");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
  if (!isObject(value)) return JSON.stringify(value);
  const field = (key) => canonical(key) + ":" + canonical(value[key]);
  return "{" + Object.keys(value).sort().map(field).join(",") + "}";
}

function parseStrictly(data) {
  if (data.length > TEXT.max_bytes)
    refuse(`the bundle has ${data.length} bytes, wanted at most ${TEXT.max_bytes}`);
  let value, written;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    value = JSON.parse(text);
    written = canonical(value) === text;
  } catch {
    refuse("the bundle is not JSON that can be read");
  }
  if (!isObject(value)) refuse("the bundle is not a JSON object");
  if (!written) refuse("the bundle is not in canonical form");
  return value;
}

function fields(value, where, keys) {
  if (!isObject(value)) refuse(`${where} is not an object`);
  for (const key of keys) if (!has(value, key)) refuse(`${where} lacks the field \`${key}\``);
  const over = Object.keys(value).length - keys.length;
  if (over) refuse(`${where} has ${over} unknown fields, wanted none`);
  return value;
}

function take(value, key, good, where) {
  if (!has(value, key) || !good(value[key])) refuse(`${where}: field \`${key}\` is malformed`);
  return value[key];
}

function base64(text, where, length) {
  let data;
  try {
    data = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    refuse(`${where} is not base64`);
  }
  if (encode64(data) !== text) refuse(`${where} is not canonical base64`);
  if (length !== undefined && data.length !== length)
    refuse(`${where} has ${data.length} bytes, wanted ${length}`);
  return data;
}
function encode64(data) {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

const isDigest = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const digest = (value, key, where) => unhex(take(value, key, isDigest, where));

function hashes(value, key, where) {
  const text = take(value, key, (one) => typeof one === "string", where);
  const data = base64(text, `${where}: field \`${key}\``);
  if (data.length % HASH) refuse(`${where}: field \`${key}\` ends within a hash`);
  const found = [];
  for (let at = 0; at < data.length; at += HASH) found.push(data.slice(at, at + HASH));
  return found;
}

// --- signatures (C2SP signed-note, tlog-cosignature, tlog-policy) ---------------------

const LOG = 1, COSIGNATURE = 4;

async function readKey(text, kind) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (!match || !printable(match[1]))
    refuse("the verifier key is malformed, wanted `name+hash+base64`");
  const payload = base64(match[3], "the verifier key");
  if (payload[0] !== kind) refuse(`the verifier key is of type ${payload[0]}, wanted ${kind}`);
  if (payload.length !== 1 + HASH)
    refuse(`the verifier key has ${payload.length - 1} bytes, wanted ${HASH}`);
  const identity = (await sha256(utf8(match[1] + "\n"), payload)).slice(0, 4);
  if (hex(identity) !== match[2]) refuse("the verifier key does not match its own hash");
  return { name: match[1], identity, raw: payload.slice(1), text };
}

function readNote(note) {
  if (Array.from(note).length > TEXT.max_note) refuse("the tree head is far too long");
  if (!printable(note.replaceAll("\n", "")))
    refuse("the tree head has a character that cannot be printed");
  const at = note.lastIndexOf("\n\n");
  const [text, block] = [note.slice(0, at), note.slice(at + 2)];
  if (at < 1 || !block.endsWith("\n"))
    refuse("the tree head is no signed note: text, blank line, signature");
  const lines = block.slice(0, -1).split("\n").map((line) => {
    const match = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
    if (!match) refuse("a signature line of the tree head is malformed");
    return { name: match[1], signature: base64(match[2], "a signature of the tree head") };
  });
  return { text: text + "\n", lines };
}

function readHead(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || !lines[0])
    refuse(`the tree head has ${lines.length - 1} lines, wanted 3`);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(lines[1]))
    refuse("the second line of the tree head is no canonical number");
  const root = base64(lines[2], "the root of the tree head", HASH);
  return { origin: lines[0], size: BigInt(lines[1]), root };
}

const linesBy = (key, lines) => lines.filter((line) =>
  line.name === key.name && same(line.signature.slice(0, 4), key.identity));

async function openHead(note, key) {
  const { text, lines } = readNote(note);
  const ours = linesBy(key, lines);
  if (ours.length !== 1)
    refuse(`the tree head has ${ours.length} signatures by \`${key.name}\`, wanted 1`);
  if (!await signedBy(key.raw, ours[0].signature.slice(4), utf8(text)))
    refuse(`the signature by \`${key.name}\` does not match`);
  const head = readHead(text);
  if (head.origin !== key.name) refuse(`\`${key.name}\` signed a tree head of another ledger`);
  return head;
}

async function findCosignature(note, key) {
  const { text, lines } = readNote(note);
  readHead(text);
  const found = linesBy(key, lines);
  if (!found.length) return null;
  if (found.length > 1)
    refuse(`the tree head has ${found.length} cosignatures by \`${key.name}\`, wanted 1`);
  const payload = found[0].signature.slice(4);
  if (payload.length !== 72) refuse(`the cosignature by \`${key.name}\` has the wrong length`);
  const seconds = new DataView(payload.buffer, payload.byteOffset).getBigUint64(0);
  if (seconds >= 2n ** 63n) refuse(`the cosignature by \`${key.name}\` has no such time`);
  const message = utf8(`cosignature/v1\ntime ${seconds}\n${text}`);
  if (!await signedBy(key.raw, payload.slice(8), message))
    refuse(`the cosignature by \`${key.name}\` does not match`);
  return { name: key.name, seconds };
}

function signersText(log, keys) {
  const lines = [`log ${log}`, ...keys.map((key, at) => `witness w${at + 1} ${key}`)];
  let quorum = keys.length ? "w1" : "none";
  if (keys.length > 1) {
    quorum = "all-of-them";
    lines.push(`group ${quorum} all ${keys.map((_, at) => `w${at + 1}`).join(" ")}`);
  }
  return lines.join("\n") + `\nquorum ${quorum}\n`;
}

function readSigners(text) {
  const lines = text.split("\n");
  const log = /^log ([^ \n]+)$/.exec(lines[0]);
  const keys = lines.slice(1).map((line) => /^witness w[0-9]+ ([^ \n]+)$/.exec(line))
    .filter((match) => match).map((match) => match[1]);
  if (!log || keys.length > TEXT.most_witnesses)
    refuse("the policy of the bundle does not begin with its one log");
  if (!ordered(keys)) refuse("the witnesses of the bundle are not in order, each once");
  if (signersText(log[1], keys) !== text)
    refuse("the policy of the bundle is not the one that asks for all who signed");
  return { log: log[1], witnesses: keys };
}

async function parsePolicy(text) {
  if (!text.endsWith("\n")) refuse("the last line of the witness policy has no line end");
  const policy = { logs: [], witnesses: [], groups: [], quorum: "" };
  const keys = { log: new Set(), witness: new Set() };
  const [names, members] = [new Set(), new Set()];
  const once = (key, own, other) => {
    const raw = hex(key.raw);
    if (keys[own].has(raw) || keys[other].has(raw)) refuse("a public key stands there twice");
    keys[own].add(raw);
  };
  const name = (one) => {
    if (!printable(one) || one === "none" || names.has(one))
      refuse("a name is taken, is `none`, or cannot be printed");
    names.add(one);
  };
  const known = (one) => { if (!names.has(one)) refuse("a name is not defined before"); };
  const read = {
    log: async ([key]) => {
      const found = await readKey(key, LOG);
      once(found, "log", "witness");
      policy.logs.push(key);
    },
    witness: async ([own, key]) => {
      const found = await readKey(key, COSIGNATURE);
      once(found, "witness", "log");
      name(own);
      policy.witnesses.push({ name: own, key: found });
    },
    group: async ([own, wanted, ...parts]) => {
      for (const part of parts) {
        known(part);
        if (members.has(part)) refuse("a name is a member of a group already");
        members.add(part);
      }
      let threshold = 0;
      if (wanted === "all") threshold = parts.length;
      else if (wanted === "any") threshold = 1;
      else if (/^[1-9][0-9]{0,3}$/.test(wanted)) threshold = Number(wanted);
      if (!threshold || threshold > parts.length) refuse("a group has no such threshold");
      name(own);
      policy.groups.push({ name: own, threshold, members: parts });
    },
    quorum: async ([own]) => {
      if (policy.quorum) refuse("there is a `quorum` line already");
      if (own !== "none") known(own);
      policy.quorum = own;
    },
  };
  const parts = { log: [1, 2], witness: [2, 3], group: [3, Infinity], quorum: [1, 1] };
  for (const [at, line] of text.slice(0, -1).split("\n").entries()) {
    try {
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) refuse("it has a control character");
      const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
      if (words[0] === "" || words[0].startsWith("#")) continue;
      const [kind, ...rest] = words;
      if (!has(parts, kind)) refuse("it begins with none of log, witness, group, quorum");
      const [least, most] = parts[kind];
      if (rest.length < least || rest.length > most) refuse(`\`${kind}\` has too many parts or too few`);
      await read[kind](rest);
    } catch (error) {
      if (error instanceof Refused) refuse(`line ${at + 1} of the witness policy: ${error.message}`);
      throw error;
    }
  }
  if (!policy.quorum) refuse("the witness policy has no `quorum` line");
  return policy;
}

async function checkQuorum(note, policy, log) {
  if (policy.logs.length && !policy.logs.includes(log))
    refuse("the log's verifier key is not among those of the witness policy");
  const [met, found] = [new Set(), []];
  for (const witness of policy.witnesses) {
    const cosigned = await findCosignature(note, witness.key);
    if (cosigned) { met.add(witness.name); found.push(cosigned); }
  }
  for (const group of policy.groups)
    if (group.members.filter((one) => met.has(one)).length >= group.threshold) met.add(group.name);
  if (policy.quorum !== "none" && !met.has(policy.quorum))
    refuse(`the quorum \`${policy.quorum}\` is not met: ${found.length} of ` +
      `${policy.witnesses.length} witnesses cosigned`);
  return found;
}

async function openSigned(bundle, key, policy) {
  const note = take(bundle, "tree_head", isText, "the bundle");
  const signers = readSigners(take(bundle, "policy", isText, "the bundle"));
  if (key !== null && key !== signers.log)
    refuse("the bundle was made under another verifier key than the one given");
  const log = await readKey(signers.log, LOG);
  const wanted = [log];
  for (const one of signers.witnesses) wanted.push(await readKey(one, COSIGNATURE));
  const { lines } = readNote(note);
  const fit = lines.length === wanted.length && lines.every((line, at) =>
    line.name === wanted[at].name && same(line.signature.slice(0, 4), wanted[at].identity));
  if (!fit)
    refuse(`the tree head has ${lines.length} signature lines, and they are not those ` +
      `of the ${wanted.length} signers that the bundle names`);
  const head = await openHead(note, log);
  let witnesses = [];
  for (const one of wanted.slice(1)) witnesses.push(await findCosignature(note, one));
  let keyGiven = key !== null;
  if (policy !== null) {
    const asked = await parsePolicy(policy);
    witnesses = await checkQuorum(note, asked, signers.log);
    keyGiven = keyGiven || asked.logs.length > 0;
  }
  return { head, key: signers.log, keyGiven, witnesses, policyGiven: policy !== null };
}

// --- trees (RFC 9162; the prefix tree) ------------------------------------------------

async function compoundRoot(leaves, size, path) {
  const indices = [...leaves.keys()].map(BigInt).sort((a, b) => (a < b ? -1 : 1));
  for (const index of [indices[0], indices[indices.length - 1]])
    if (index >= size) refuse(`entry ${index} is outside a ledger of ${size} entries`);
  const sent = path.values();
  const fold = async (inside, low, high) => {
    if (!inside.length) {
      const next = sent.next();
      if (next.done) refuse("the proof has fewer hashes than its entries need");
      return next.value;
    }
    if (high - low === 1n) return leaves.get(Number(low));
    const middle = low + (1n << BigInt((high - low - 1n).toString(2).length - 1));
    const left = await fold(inside.filter((index) => index < middle), low, middle);
    const right = await fold(inside.filter((index) => index >= middle), middle, high);
    return sha256(Uint8Array.of(1), left, right);
  };
  const root = await fold(indices, 0n, size);
  if (!sent.next().done) refuse("the proof has more hashes than its entries need");
  return root;
}

const bit = (key, depth) => (key[depth >> 3] >> (7 - (depth & 7))) & 1;
const leafValue = (key, commitment) => sha256(Uint8Array.of(2), key, commitment);

async function climb(value, path, key, root) {
  if (path.length > 256) refuse(`proof has ${path.length} steps, and a key has 256 bits`);
  for (let depth = path.length - 1; depth >= 0; depth -= 1) {
    const pair = bit(key, depth) ? [path[depth], value] : [value, path[depth]];
    value = await sha256(Uint8Array.of(3), ...pair);
  }
  if (!same(value, root)) refuse(`proof leads to root ${hex(value)}, not ${hex(root)}`);
}

async function prefixRoot(leaves, depth = 0) {
  if (!leaves.length) return EMPTY;
  if (leaves.length === 1) return leafValue(...leaves[0]);
  const left = leaves.filter(([key]) => !bit(key, depth));
  const right = leaves.filter(([key]) => bit(key, depth));
  const below = [await prefixRoot(left, depth + 1), await prefixRoot(right, depth + 1)];
  return sha256(Uint8Array.of(3), ...below);
}

// --- entries --------------------------------------------------------------------------

const leafHash = (entry) => sha256(Uint8Array.of(0), entry);

async function add(leaves, part, where, entry) {
  const index = take(part, "entry", isCount, where);
  if (leaves.has(index)) refuse(`${where}: entry ${index} is in the bundle already`);
  const bytes = utf8(canonical(entry));
  if (bytes.length > TEXT.max_entry)
    refuse(`entry ${index} has ${bytes.length} bytes, wanted at most ${TEXT.max_entry}`);
  leaves.set(index, await leafHash(bytes));
}

async function logged(leaves, part, where, kind) {
  const body = take(part, "body", isObject, where);
  const type = kind ?? (has(body, "supersedes") ? "model_repaired" : "model_trained");
  await add(leaves, part, where, {
    v: 1, type, body,
    recorded_at: take(part, "recorded_at", isCount, where),
    happened_at: take(part, "happened_at", isCount, where),
  });
  return body;
}

function partsOf(bundle, key) {
  const parts = take(bundle, key, Array.isArray, "the bundle");
  const indices = parts.map((part, at) => {
    if (!isObject(part) || !has(part, "entry"))
      refuse(`${key}[${at}] is no entry of the ledger with its number`);
    return take(part, "entry", isCount, `${key}[${at}]`);
  });
  if (!indices.every((index, at) => at === 0 || indices[at - 1] < index))
    refuse(`the entries of \`${key}\` are not in the order of the ledger`);
  return parts;
}

const isNames = (value) => Array.isArray(value) && value.every(isName);

function readCorpus(body, index) {
  const where = `the corpus of entry ${index}`;
  fields(body, where, TEXT.corpus_keys);
  for (const key of ["manifest", "plan"]) digest(body, key, where);
  for (const key of ["as_of", "ledger_size", "subjects", "documents"]) take(body, key, isCount, where);
  take(body, "tag_scheme", (one) => one === TEXT.tag_scheme, where);
  take(body, "derived_from", (one) => one === null || isName(one), where);
  const categories = take(body, "categories", isNames, where);
  if (!ordered(categories)) refuse(`${where}: the categories are not sorted, each once`);
  const corpus = {
    index, categories,
    name: take(body, "corpus_id", isName, where),
    subjectRoot: digest(body, "subject_root", where),
    consentRoot: digest(body, "consent_root", where),
    documents: body.documents, ledgerSize: body.ledger_size,
  };
  if (body.ledger_size > index)
    refuse(`${where}: it says that it knew ${body.ledger_size} entries of the ledger`);
  if ((body.subjects === 0) !== same(corpus.subjectRoot, EMPTY))
    refuse(`${where}: ${body.subjects} subjects do not fit its root`);
  if (body.documents < body.subjects)
    refuse(`${where}: ${body.subjects} subjects, fewer documents`);
  if ((body.documents > 0) !== (categories.length > 0))
    refuse(`${where}: ${body.documents} documents in ${categories.length} categories`);
  return corpus;
}

function readModel(body, index) {
  const where = `the model of entry ${index}`;
  const repaired = has(body, "supersedes");
  fields(body, where, repaired ? TEXT.repair_keys : TEXT.model_keys);
  for (const key of ["plan", "weights", "content_read"]) digest(body, key, where);
  const [parents, external] = [[], []];
  for (const parent of take(body, "parents", Array.isArray, where)) {
    if (isObject(parent)) {
      fields(parent, `${where}: a parent`, ["external"]);
      external.push(take(parent, "external", isName, where));
    } else if (isName(parent)) parents.push(parent);
    else refuse(`${where}: a parent is neither an id nor external`);
  }
  if (repaired) digest(body, "certificate", where);
  return {
    index, parents, external,
    name: take(body, "model_id", isName, where),
    corpora: take(body, "corpora", isNames, where),
    supersedes: repaired ? take(body, "supersedes", isName, where) : null,
  };
}

// --- the subject in each corpus -------------------------------------------------------

async function enrolment(secret, bundle, leaves) {
  const part = fields(bundle.enrolled, "enrolled", TEXT.enrolled_keys);
  if (!isObject(part.body) || !isName(part.body.subject_id))
    refuse("the body of the enrolment names no subject");
  const commit = await keyed(secret, "enrolled", utf8(canonical(part.body)));
  await add(leaves, part, "enrolled", {
    v: 1, type: "enrolled", commit: hex(commit),
    recorded_at: take(part, "recorded_at", isCount, "enrolled"),
  });
  return { subject: part.body.subject_id, index: part.entry };
}

async function usedIn(secret, corpus, part, where) {
  const path = hashes(part, "path", where);
  const name = utf8(corpus.name);
  const tag = await keyed(secret, "tag", name);
  if (!has(part, "documents")) {
    if (!has(part, "leaf")) {
      await climb(EMPTY, path, tag, corpus.subjectRoot);
      return [];
    }
    const leaf = base64(take(part, "leaf", isText, where), `${where}: field \`leaf\``, 2 * HASH);
    const [other, commitment] = [leaf.slice(0, HASH), leaf.slice(HASH)];
    if (same(other, tag)) refuse("the leaf shown as another's has the very key in question");
    for (let depth = 0; depth < Math.min(path.length, 256); depth += 1)
      if (bit(other, depth) !== bit(tag, depth))
        refuse("the leaf shown stands elsewhere than the key in question");
    await climb(await leafValue(other, commitment), path, tag, corpus.subjectRoot);
    return [];
  }
  const shown = part.documents;
  if (!isObject(shown) || !Object.keys(shown).length || has(shown, ""))
    refuse("`documents` is not a digest by document id, of one or more");
  const documents = Object.keys(shown).sort(byCodePoint);
  if (documents.length > corpus.documents)
    refuse(`${documents.length} documents are shown of a corpus of ${corpus.documents}`);
  const leaves = [];
  for (const id of documents) {
    const text = digest(shown, id, `${where}: documents`);
    leaves.push([
      await keyed(secret, "document", name, utf8(id)),
      await keyed(secret, "text", name, utf8(id), text),
    ]);
  }
  const content = { documents: leaves.length, documents_root: hex(await prefixRoot(leaves)) };
  const commitment = await keyed(secret, "subject_leaf", name, utf8(canonical(content)));
  await climb(await leafValue(tag, commitment), path, tag, corpus.subjectRoot);
  return documents;
}

async function stateIn(secret, corpus, shown) {
  const consent = fields(shown, "the consent", ["state", "path"]);
  const state = fields(consent.state, "the consent's state", ["entries", "last_entry", "reasons"]);
  for (const key of ["entries", "last_entry"]) take(state, key, isCount, "the consent's state");
  const reasons = take(state, "reasons", isObject, "the consent's state");
  for (const name of Object.keys(reasons)) {
    take(reasons, name, isCount, "the consent's reasons");
    if (!isName(name)) refuse("a reason of the consent's state has no name to print");
  }
  if (state.last_entry >= corpus.ledgerSize || !state.entries)
    refuse(`the consent's state knows ${state.entries} entries up to entry ` +
      `${state.last_entry}, of a ledger of ${corpus.ledgerSize}`);
  const name = utf8(corpus.name);
  const key = await keyed(secret, "consent_tag", name);
  const commitment = await keyed(secret, "consent_leaf", name, utf8(canonical(state)));
  const path = hashes(consent, "path", "the consent");
  await climb(await leafValue(key, commitment), path, key, corpus.consentRoot);
  return state;
}

function shareKeys(part) {
  let wanted = [...TEXT.public_keys, "path"];
  if (has(part, "leaf")) wanted.push("leaf");
  else if (has(part, "documents")) wanted.push("documents");
  if (has(part, "consent")) wanted.push("consent");
  return wanted;
}

async function findEntries(bundle, head) {
  const leaves = new Map();
  const secret = base64(take(bundle, "secret", isText, "the bundle"),
    "the bundle: field `secret`", HASH);
  const enrolled = await enrolment(secret, bundle, leaves);
  const found = { enrolled, models: new Map(), corpora: new Map(), used: new Map(), states: new Map() };
  for (const [at, part] of partsOf(bundle, "models").entries()) {
    fields(part, `models[${at}]`, TEXT.public_keys);
    const model = readModel(await logged(leaves, part, `models[${at}]`), part.entry);
    if (found.models.has(model.name)) refuse(`two entries name the model \`${model.name}\``);
    found.models.set(model.name, model);
  }
  for (const [at, part] of partsOf(bundle, "corpora").entries()) {
    const where = `corpora[${at}]`;
    fields(part, where, shareKeys(part));
    const corpus = readCorpus(await logged(leaves, part, where, "corpus_built"), part.entry);
    if (found.corpora.has(corpus.name)) refuse(`two entries name the corpus \`${corpus.name}\``);
    found.corpora.set(corpus.name, corpus);
    found.used.set(corpus.name, await usedIn(secret, corpus, part, where));
    if (has(part, "consent")) found.states.set(corpus.name, await stateIn(secret, corpus, part.consent));
  }
  const path = hashes(bundle, "path", "the bundle");
  found.hashes = path.length;
  if (!same(await compoundRoot(leaves, head.size, path), head.root))
    refuse("the entries of the bundle do not lead to the root of the tree head: an " +
      "entry, the secret or the proof is another than it was");
  checkOrder(found);
  return found;
}

function checkOrder({ enrolled, models, corpora }) {
  for (const corpus of corpora.values())
    if (corpus.index <= enrolled.index)
      refuse(`corpus \`${corpus.name}\` is entry ${corpus.index}, not after the ` +
        `enrolment, entry ${enrolled.index}: it says nothing about this subject`);
  for (const model of models.values()) {
    for (const name of model.corpora)
      if (!corpora.has(name)) refuse(`the bundle lacks the corpus \`${name}\` of a model`);
    const older = model.corpora.map((name) => corpora.get(name).index);
    for (const name of model.parents) if (models.has(name)) older.push(models.get(name).index);
    for (const index of older)
      if (index >= model.index)
        refuse(`model \`${model.name}\` is entry ${model.index}, but it is made of entry ${index}`);
  }
}

// --- what a model is made of, and the verdict -----------------------------------------

function closure(name, models) {
  if (!models.has(name)) refuse(`no entry names the model \`${name}\``);
  const [waiting, seen] = [[name], new Set([name])];
  const [corpora, unresolved] = [new Set(), new Set()];
  while (waiting.length) {
    const model = models.get(waiting.pop());
    for (const corpus of model.corpora) corpora.add(corpus);
    for (const one of model.external) unresolved.add(fill(TEXT.unresolved.external, { name: one }));
    if (!model.corpora.length && !model.parents.length && !model.external.length)
      unresolved.add(fill(TEXT.unresolved.silent, { name: model.name }));
    for (const parent of model.parents) {
      if (!models.has(parent)) unresolved.add(fill(TEXT.unresolved.missing, { name: parent }));
      else if (!seen.has(parent)) { seen.add(parent); waiting.push(parent); }
    }
  }
  return { models: seen, corpora, unresolved: [...unresolved].sort(byCodePoint) };
}

function supersededBy(name, models) {
  if (!models.has(name)) refuse(`no entry names the model \`${name}\``);
  const chain = [];
  let model = models.get(name);
  while (model.supersedes !== null && models.has(model.supersedes)) {
    const old = models.get(model.supersedes);
    if (old.index >= model.index)
      refuse(`model \`${model.name}\` supersedes \`${old.name}\`, which was logged later`);
    chain.push(old.name);
    model = old;
  }
  return chain;
}

function answerFor(name, madeOf, used) {
  const documents = [];
  for (const corpus of [...madeOf.corpora].sort(byCodePoint))
    for (const one of used.get(corpus)) documents.push([corpus, one]);
  let verdict = "absent";
  if (documents.length) verdict = "used";
  else if (madeOf.unresolved.length || !madeOf.corpora.size) verdict = "unknown";
  return { name, verdict, documents };
}

function conclude(bundle, found) {
  const name = take(bundle, "model_id", isName, "the bundle");
  const chain = [name, ...supersededBy(name, found.models)];
  const closures = chain.map((one) => closure(one, found.models));
  for (const kind of ["models", "corpora"])
    for (const one of found[kind].keys())
      if (!closures.some((madeOf) => madeOf[kind].has(one)))
        refuse(`\`${one}\` is in the bundle, but no part of the model`);
  const answers = chain.map((one, at) => answerFor(one, closures[at], found.used));
  if (take(bundle, "verdict", isText, "the bundle") !== answers[0].verdict)
    refuse("the bundle claims something else than its entries show, which is " +
      `\`${answers[0].verdict}\` for model \`${name}\``);
  return { chain, closures, answers };
}

// --- words ----------------------------------------------------------------------------

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const step = (kind, values = {}) => fill(TEXT.steps[kind], values);
const counted = (number, what) => `${number} ${TEXT.counted[what][number === 1 ? 0 : 1]}`;

function moment(seconds) {
  if (seconds > TEXT.last_second) return `second ${seconds}`;
  return new Date(Number(seconds) * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC");
}

function stepsOf(data, signed, found, { chain, closures, answers }) {
  const { head } = signed;
  const steps = [
    step("file", { bytes: data.length }),
    step("head", { origin: head.origin, size: head.size, source: TEXT.sources[signed.keyGiven] }),
    ...signed.witnesses.map((one) => step("cosigned", { witness: one.name, time: moment(one.seconds) })),
  ];
  if (signed.policyGiven) {
    const names = signed.witnesses.map((one) => `\`${one.name}\``).join(", ");
    steps.push(names ? step("quorum", { names }) : step("no_quorum"));
  }
  steps.push(
    step("logged", {
      entries: counted(1 + found.models.size + found.corpora.size, "entries"),
      hashes: counted(found.hashes, "hashes"),
    }),
    step("enrolled", { entry: found.enrolled.index }),
    step("order", {
      models: counted(found.models.size, "models"),
      corpora: counted(found.corpora.size, "corpora"),
    }));
  for (const [name, corpus] of found.corpora) {
    const used = found.used.get(name);
    steps.push(step("corpus", {
      corpus: name,
      found: used.length ? counted(used.length, "documents") : TEXT.nothing,
      categories: corpus.categories.join(", ") || TEXT.none,
    }));
    const state = found.states.get(name);
    if (state) steps.push(consentStep(name, state));
  }
  answers.forEach((answer, at) => steps.push([
    step("model", {
      model: answer.name, verdict: answer.verdict,
      models: counted(closures[at].models.size, "models"),
      corpora: counted(closures[at].corpora.size, "corpora"),
    }), ...closures[at].unresolved].join("; ")));
  for (const name of chain) {
    const old = found.models.get(name).supersedes;
    if (old !== null)
      steps.push(step(found.models.has(old) ? "superseded" : "not_shown", { model: name, old }));
  }
  return [...steps, step("claim")];
}

function consentStep(corpus, state) {
  const reasons = Object.keys(state.reasons).sort(byCodePoint).map((why) =>
    step("reason", { documents: counted(state.reasons[why], "documents"), why }));
  return step("consent", {
    corpus, entries: counted(state.entries, "entries"), last: state.last_entry,
    reasons: reasons.join(", ") || TEXT.none,
  });
}

function sentenceOf([first, ...older], subject) {
  const said = (kind, one, more) => fill(TEXT.verdicts[kind], {
    model: one.name, documents: counted(one.documents.length, "documents"), ...more,
  });
  return [
    said(first.verdict, first, { subject }),
    ...older.map((one) => said(`before_${one.verdict}`, one, {})),
  ].join("; ");
}

function limitsOf(signed) {
  const first = signed.keyGiven ? [] : [TEXT.key_limit];
  if (!signed.witnesses.length) first.push(TEXT.alone_limit);
  else first.push(signed.policyGiven ? TEXT.quorum_limit : TEXT.witness_limit);
  return [...first, ...TEXT.limits];
}

async function verifyBundle(data, key, policy) {
  const bundle = fields(parseStrictly(data), "the bundle", TEXT.bundle_keys);
  take(bundle, "format", (one) => one === TEXT.format, "the bundle");
  const signed = await openSigned(bundle, key, policy);
  const found = await findEntries(bundle, signed.head);
  const conclusion = conclude(bundle, found);
  const [first, ...superseded] = conclusion.answers;
  return {
    verdict: first.verdict, model: first.name, documents: first.documents, superseded,
    subject: found.enrolled.subject, signed,
    sentence: sentenceOf(conclusion.answers, found.enrolled.subject),
    steps: stepsOf(data, signed, found, conclusion).map((one, at) => `(${at + 1}) ${one}`),
    limits: limitsOf(signed),
  };
}

// --- the page -------------------------------------------------------------------------

const REFUSED = "So this file proves nothing, neither that something was used nor that nothing " +
  "was. Ask for the file again and use it unchanged; see that a key or policy given here is " +
  "of the same ledger.";
const at = (id) => document.getElementById(id);
let bundle = null; // the file that was chosen, and its name
let choice = 0; // of two files at once, only the later one counts, however long it takes
let turn = 0; // of two checks at once, only the later one may speak

function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// What stands between backticks is a name: shown as code, never read as markup.
function spell(made, text) {
  const parts = text.split(/`([^`]*)`/);
  made.replaceChildren(...parts.map((part, at) => at % 2 ? element("code", part) : part));
  return made;
}

function list(id, texts) {
  const line = (text) => spell(document.createElement("li"), text);
  at(id).replaceChildren(...texts.map(line));
}

function facts(found) {
  const { head } = found.signed;
  const rows = [
    ["Subject", found.subject],
    ["Model", found.model],
    ...found.documents.map(([corpus, one]) => ["Document", `${one} (in ${corpus})`]),
    ...found.superseded.flatMap((old) => [
      ["Replaced model", `${old.name}: ${old.verdict}`],
      ...old.documents.map(([corpus, one]) => ["Document then", `${one} (in ${corpus})`]),
    ]),
    ["Ledger", head.origin],
    ["Tree head", `${head.size} entries, root ${hex(head.root)}`],
    ...found.signed.witnesses.map((one) => ["Witness", `${one.name}, ${moment(one.seconds)}`]),
    ["Verifier key", found.signed.key],
  ];
  at("facts").replaceChildren(...rows.flatMap(([name, text]) =>
    [element("dt", name), element("dd", text)]));
}

function show(found) {
  const result = at("result");
  result.dataset.verdict = found.verdict;
  at("word").textContent = found.verdict;
  spell(at("sentence"), found.sentence);
  at("beside").textContent = found.limits
    ? `What this does not prove: points 1 to ${found.limits.length} below.` : found.beside;
  list("steps", (found.steps ?? []).map((text) => text.replace(/^\(\d+\) /, "")));
  list("limits", found.limits ?? []);
  if (found.steps) facts(found);
  at("details").hidden = !found.steps;
  result.hidden = false;
}

async function check() {
  if (bundle === null) return;
  turn += 1;
  const mine = turn;
  document.body.dataset.state = "working";
  const key = at("key").value.trim() || null;
  const policy = at("policy").value || null;
  let found;
  try {
    found = await verifyBundle(bundle.data, key, policy);
  } catch (error) {
    const refused = error instanceof Refused;
    found = {
      verdict: refused ? "refused" : "not checked",
      sentence: refused ? error.message : `this browser could not check it: ${error.message}`,
      beside: refused ? REFUSED : "",
    };
  }
  if (mine !== turn) return;
  at("name").textContent = bundle.name;
  show(found);
  document.body.dataset.state = "done";
}

async function choose(files) {
  if (!files.length) return;
  choice += 1;
  const mine = choice;
  const data = new Uint8Array(await files[0].arrayBuffer());
  if (mine !== choice) return;
  bundle = { name: files[0].name, data };
  await check();
}

async function ready() {
  const raw = unhex(TEXT.some_key);
  try {
    await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    document.body.dataset.state = "ready";
  } catch {
    at("missing").hidden = false;
    document.body.dataset.state = "missing";
  }
}

at("file").addEventListener("change", (event) => choose(event.target.files));
for (const id of ["key", "policy"]) at(id).addEventListener("input", check);
for (const kind of ["dragenter", "dragover"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  choose(event.dataTransfer.files);
});
ready();
