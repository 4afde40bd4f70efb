/** Patterns against names, with what huggingface_hub's filter says of each; peers.system.ts asks it. */
export const globCases: readonly {
  readonly patterns: readonly string[]
  readonly takes: readonly string[]
  readonly leaves: readonly string[]
}[] = [
  {
    patterns: ['*.safetensors'],
    takes: ['model.safetensors', 'sub/dir/x.safetensors'],
    leaves: ['model.safetensors.index.json', 'safetensors'],
  },
  { patterns: ['*.json', 'tokenizer*'], takes: ['config.json', 'a/b.json', 'tokenizer.model'], leaves: ['README.md', 'a/tokenizer.model'] },
  { patterns: ['original/*'], takes: ['original/params.json', 'original/a/b'], leaves: ['original', 'x/original/a'] },
  { patterns: ['original/'], takes: ['original/params.json', 'original/a/b'], leaves: ['original', 'originals/a'] },
  { patterns: ['model-0000?-of-*'], takes: ['model-00001-of-00002.safetensors'], leaves: ['model-00010-of-00012.safetensors'] },
  { patterns: ['[ab].txt'], takes: ['a.txt', 'b.txt'], leaves: ['c.txt', '[ab].txt'] },
  { patterns: ['[!ab].txt'], takes: ['c.txt', '!.txt'], leaves: ['a.txt'] },
  { patterns: ['[a-c]1'], takes: ['a1', 'b1'], leaves: ['d1', '-1'] },
  { patterns: ['[]x]y'], takes: [']y', 'xy'], leaves: ['y', 'zy'] },
  { patterns: ['a[b'], takes: ['a[b'], leaves: ['ab', 'a'] },
  { patterns: ['[[]x'], takes: ['[x'], leaves: ['x', 'ax'] },
  { patterns: ['[^a]b'], takes: ['^b', 'ab'], leaves: ['cb'] },
  { patterns: ['a.b+c(d)|e$'], takes: ['a.b+c(d)|e$'], leaves: ['axb+c(d)|e$', 'e$'] },
  { patterns: ['*'], takes: ['a', 'a/b/c', '.gitattributes'], leaves: [] },
  { patterns: ['Config.json'], takes: ['Config.json'], leaves: ['config.json'] },
]
