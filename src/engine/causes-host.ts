import type { Cause } from './cause.ts'

/** Failures of what is around the engine: disks, permissions, shared memory, programs, limits. */
export const hostCauses: readonly Cause[] = [
  {
    cause: 'shm',
    pattern: /Insufficient space in (?<path>\/dev\/shm\S*) for .*?: (?<need>[\d.]+ MiB) required, (?<free>[\d.]+ MiB) free/,
    sentence: '$<path> is too small: $<need> are needed, $<free> are free',
    fix: 'docker: --shm-size 16g (or --ipc=host); Kubernetes: an emptyDir with medium Memory at /dev/shm',
    remedy: 'change-machine',
  },
  {
    cause: 'shm',
    pattern:
      /Error while creating shared memory segment \/dev\/shm|\[Errno \d+\] (?<why>[^:]*): '\/(?:psm_|sem|mp-|VLLM_|nccl)|unable to (?:open|allocate|resize|mmap) shared memory/,
    sentence: '/dev/shm is too small or cannot be written to ($<why>)',
    fix: 'docker: --shm-size 16g (or --ipc=host); Kubernetes: an emptyDir with medium Memory at /dev/shm',
    remedy: 'change-machine',
  },
  {
    cause: 'disk-full',
    whileServing: true,
    pattern:
      /^.{0,200}?(?:\[Errno 28\] )?(?:No space left on device|Not enough free disk space)(?:[^\n]*?: '(?<path>[^']*)')?|Disk quota exceeded/,
    sentence: 'a disk is full $<path>',
    fix: 'free space, or larger volumes: AIM_CACHE_PATH holds models, VLLM_CACHE_ROOT compiled code, TMPDIR temporary files',
    remedy: 'mend-storage',
  },
  {
    cause: 'read-only',
    pattern: /\[Errno 30\] Read-only file system:? ?'?(?<path>[^'\n]*)/,
    sentence: 'the engine has to write where it cannot: $<path> is read-only',
    fix: 'mount a writable volume there, or set HOME, VLLM_CACHE_ROOT or TMPDIR to a writable directory',
    remedy: 'mend-files',
  },
  {
    cause: 'no-temporary-directory',
    pattern: /No usable temporary directory found in (?<dirs>\[.*\])/,
    sentence: 'the engine found no temporary directory that it can write to',
    fix: 'docker: --tmpfs /tmp:exec; Kubernetes: an emptyDir at /tmp; or set TMPDIR',
    remedy: 'mend-files',
  },
  {
    cause: 'storage-io',
    whileServing: true,
    pattern:
      /^.{0,200}?(?<what>Input\/output error|Stale file handle|Remote I\/O error|Transport endpoint is not connected)(?: \(os error \d+\)|[^']*'?(?<path>[^'\n]*))/,
    sentence: 'a disk or network volume failed: $<what> $<path>',
    fix: 'look at the volume of AIM_CACHE_PATH and at the kernel log of the node',
    remedy: 'mend-storage',
  },
  {
    cause: 'too-many-files',
    whileServing: true,
    pattern: /^.{0,200}?(?:\[Errno 24\] )?Too many open files/,
    sentence: 'the limit of open files is too low for the engine',
    fix: 'docker: --ulimit nofile=65536; containerd: LimitNOFILE of the service',
    remedy: 'change-machine',
  },
  {
    cause: 'too-many-processes',
    whileServing: true,
    pattern:
      /can't start new thread|pthread_create failed|libgomp: Thread creation failed|BlockingIOError: \[Errno 11\] Resource temporarily unavailable|fork: Resource temporarily unavailable/,
    sentence: 'the limit of processes and threads is too low for the engine',
    fix: 'docker: --pids-limit -1 (and ulimit -u); Kubernetes: the podPidsLimit of the kubelet',
    remedy: 'change-machine',
  },
  {
    cause: 'file-limit',
    whileServing: true,
    pattern: /^.{0,200}?\[Errno 27\] File too large:? ?'?(?<path>[^'\n]*)|ended by SIGXFSZ/,
    sentence: 'the limit of the size of a file is too low for the engine $<path>',
    fix: 'docker: --ulimit fsize=-1; or a volume whose file system takes larger files',
    remedy: 'change-machine',
  },
  {
    cause: 'engine-missing',
    pattern:
      /No module named '?(?<what>vllm)'?$|can't open file '(?<file>[^']*)': \[Errno|^\S*env: ['\u2018]?(?<env>\w[\w.]*)['\u2019]?: No such file|^(?:\S*sh|exec)\b.*?: (?<command>[\w./-]*(?:vllm|python)[\w.]*): (?:not found|cannot execute.*|exec format error)/m,
    sentence: 'the command that should start the engine does not: $<what> $<file> $<env> $<command> is missing or cannot be executed here',
    fix: 'correct or leave out AIM_ENGINE_COMMAND; the Python that it names must have vLLM',
    remedy: 'configure',
  },
  {
    cause: 'engine-missing',
    pattern: /No module named '(?<what>vllm\.[\w.]+)'/,
    within: /\/bin\/vllm", line \d+, in <module>/,
    sentence: 'the installed engine is incomplete, or another directory named vllm hides it: $<what> is missing',
    fix: 'leave PYTHONPATH alone; start where no directory is named vllm; use the image as it was published',
    remedy: 'configure',
  },
  {
    cause: 'program-missing',
    pattern:
      /Command '(?<what>[^' ]+)[^']*' returned non-zero exit status 127|FileNotFoundError: \[Errno 2\] No such file or directory: '(?<file>lscpu|numactl|ldconfig|lspci|rocminfo|amd-smi)'/,
    sentence: 'the engine calls a program that this image does not have: $<what> $<file>',
    fix: 'use the image as it was published, with /usr/bin and /usr/sbin in PATH; Debian: util-linux has lscpu',
    remedy: 'configure',
  },
  {
    cause: 'bad-address',
    pattern: /FileNotFoundError: \[Errno 2\]/,
    within: /create_server_unix_socket|\bbind\(/,
    sentence: 'the engine cannot listen on the socket it was given: its directory is not there',
    fix: 'leave "uds" out of AIM_ENGINE_ARGS: AIM_HOST and AIM_PORT say where the engine listens',
    remedy: 'configure',
  },
  {
    cause: 'no-permission',
    pattern:
      /(?:PermissionError|OSError): \[Errno (?:13|1)\] (?:Permission denied|Operation not permitted):? ?'?(?<path>[^'\n]*)|Permission denied \(os error 13\)|Permission denied: "?(?<other>\/[^"\n]*)/,
    sentence: 'this user may not read or write $<path> $<other>',
    fix: 'give it to the user of the container (fsGroup, chown), or set AIM_CACHE_PATH, HOME, VLLM_CACHE_ROOT or TMPDIR to a directory of its own',
    remedy: 'permit',
    weight: 'general',
  },
  {
    cause: 'path-not-found',
    pattern: /No such file or directory: '(?<path>[^']*)\/(?:counter|summary|histogram|gauge_\w+)_\d+\.db'/,
    sentence: 'the directory that PROMETHEUS_MULTIPROC_DIR names is not there: $<path>',
    fix: 'leave PROMETHEUS_MULTIPROC_DIR out, so that the engine makes one of its own, or make that directory',
    remedy: 'configure',
  },
  {
    cause: 'path-not-found',
    pattern:
      /(?:FileNotFoundError|FileExistsError|OSError|NotADirectoryError|IsADirectoryError).*\[Errno (?:2|17|20|21|36|40)\] (?<why>[^:]*):? ?'?(?<path>[^'\n]*)/,
    sentence: 'a file or directory that was named cannot be used: $<path> ($<why>)',
    fix: 'correct the path in AIM_ENGINE_ARGS or in a variable, or mount it',
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'no-user',
    pattern: /getpwuid\(\): uid not found: (?<uid>\d+)|No username set in the environment|Could not determine home directory/,
    sentence: 'the user of the container has no name or no home directory (uid $<uid>)',
    fix: 'set USER and HOME (a directory that it may write to), or TORCHINDUCTOR_CACHE_DIR',
    remedy: 'configure',
  },
  {
    cause: 'no-temporary-directory',
    pattern: /ZMQError: No such file or directory \(addr='ipc:\/\/(?<path>[^']*)'\)|ZMQError: (?<why>.*ipc path.*)/,
    sentence: 'the directory for the sockets of the engine cannot be used: $<path> $<why>',
    fix: 'leave VLLM_RPC_BASE_PATH out, or set it to a short path that exists and can be written to',
    remedy: 'mend-files',
  },
  {
    cause: 'network',
    pattern: /\[Errno (?:101|110|111|112|113)\] (?<what>.*)|ZMQError: (?:Network|Host) is unreachable/,
    sentence: 'a connection that the engine needs could not be made: $<what>',
    fix: 'check the addresses in AIM_ENGINE_ARGS and VLLM_HOST_IP; one container alone needs none of them',
    remedy: 'try-later',
    weight: 'general',
  },
]
