import type { Cause } from './cause.ts'

/** Waits that were too long, and the deaths of processes. */
export const deathCauses: readonly Cause[] = [
  {
    cause: 'startup-timeout',
    pattern: /Timed out waiting for (?:new )?engine core processes|Timeout reached after|Did not receive response from front-end process/,
    sentence: 'one part of the engine waited too long for another',
    fix: 'raise VLLM_ENGINE_READY_TIMEOUT_S (seconds); a slow volume or a first compilation can take longer',
    remedy: 'retry',
    weight: 'general',
  },
  {
    cause: 'worker-timeout',
    whileServing: true,
    pattern: /RPC call to (?<what>\w+) timed out|Barrier timed out/,
    sentence: 'a worker did not answer in time ($<what>)',
    fix: 'a GPU that hangs shows in the kernel log of the node; VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS raises the limit',
    remedy: 'retry',
    weight: 'general',
  },
  {
    cause: 'segfault',
    whileServing: true,
    pattern:
      /^.{0,60}Segfault encountered|^Fatal Python error: Segmentation fault|^Segmentation fault\b|\(exit code: -11\)|Failed core proc\(s\): \{[^}]*: -11\b|died with <Signals\.SIGSEGV|ended by SIGSEGV/,
    sentence: 'a process of the engine crashed in native code (SIGSEGV)',
    fix: 'when it comes back: another image, "enforce-eager": true, or VLLM_ROCM_USE_AITER=0 tell which kernel it is',
    remedy: 'retry',
    weight: 'general',
  },
  {
    cause: 'bus-error',
    whileServing: true,
    pattern:
      /^Fatal Python error: Bus error|^Bus error\b|\(exit code: -7\)|Failed core proc\(s\): \{[^}]*: -7\b|died with <Signals\.SIGBUS|ended by SIGBUS/,
    sentence: 'a process of the engine lost memory that it had mapped (SIGBUS): /dev/shm is full, or a weight file changed on its volume',
    fix: 'docker: --shm-size 16g (or --ipc=host); Kubernetes: an emptyDir with medium Memory at /dev/shm; check the volume of AIM_CACHE_PATH',
    remedy: 'retry',
    weight: 'general',
  },
  {
    cause: 'illegal-instruction',
    pattern:
      /^Fatal Python error: Illegal instruction|^Illegal instruction\b|\(exit code: -4\)|Failed core proc\(s\): \{[^}]*: -4\b|died with <Signals\.SIGILL|ended by SIGILL/,
    sentence: 'this CPU lacks instructions that the engine was built for (SIGILL)',
    fix: 'use a machine with AVX2 (AVX-512 for the CPU build), or an image built for this CPU',
    remedy: 'change-machine',
    weight: 'general',
  },
  {
    cause: 'aborted',
    whileServing: true,
    pattern:
      /^Fatal Python error: Aborted|^terminate called (?:after throwing an instance of '(?<type>[^']*)'(?:\n *what\(\): *(?<what>.*))?|without)|^(?<heap>free\(\): .*|double free .*|corrupted .*|malloc\w*\(\): .*|munmap_chunk\(\): .*|\*\*\* stack smashing.*)|^Aborted\b|\(exit code: -6\)|Failed core proc\(s\): \{[^}]*: -6\b|died with <Signals\.SIGABRT|ended by SIGABRT/,
    sentence:
      'a process of the engine aborted (SIGABRT), as it does after a GPU fault or a failed check in native code $<type> $<what> $<heap>',
    fix: 'the kernel log of the node tells of GPU faults; update driver and image together',
    remedy: 'retry',
    weight: 'general',
  },
  {
    cause: 'killed',
    pattern: /Command .*died with <Signals\.SIGKILL/,
    sentence: 'somebody killed a compiler or another program of the engine (SIGKILL), the kernel for want of memory as a rule',
    fix: 'raise the memory limit of the container; MAX_JOBS=1 lets one compiler run at a time',
    remedy: 'retry',
  },
  {
    cause: 'killed',
    whileServing: true,
    pattern: /Failed core proc\(s\): \{[^}]*: -9\b|^Killed$|ended by SIGKILL/,
    sentence: 'somebody killed a process of the engine (SIGKILL), the kernel for want of memory as a rule',
    fix: 'look at the kernel log of the node; raise the memory limit of the container when it speaks of oom-kill',
    remedy: 'retry',
    weight: 'consequence',
  },
  {
    cause: 'worker-died',
    whileServing: true,
    pattern: /Worker proc (?<who>\S+) died unexpectedly \(exit code: (?<code>[^)]*)\)/,
    sentence: 'the worker $<who> died (exit code $<code>) and did not say why',
    fix: 'as a rule it was killed for memory: raise the memory limit of the container, and read the kernel log of the node',
    remedy: 'retry',
    weight: 'consequence',
  },
  {
    cause: 'engine-core-died',
    whileServing: true,
    pattern: /EngineCore encountered a fatal error|engine core exited unexpectedly|Engine core initialization failed/,
    sentence: 'the engine core died and did not say why',
    fix: 'as a rule a process was killed: raise the memory limit of the container, and read the kernel log of the node',
    remedy: 'retry',
    weight: 'consequence',
  },
]
