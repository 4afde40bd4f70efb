import type { Cause } from './cause.ts'

/** Failures to listen and to reach: ports, addresses, certificates, the hub. */
export const networkCauses: readonly Cause[] = [
  {
    cause: 'port-busy',
    pattern:
      /ZMQError: Address already in use(?: \(addr='(?<addr>[^']*)'\))?|server socket has failed to listen.*port: (?<port>\d+).*EADDRINUSE/s,
    sentence: 'a port that the engine uses for itself is taken: $<addr> $<port>',
    fix: 'leave VLLM_PORT, "master-port" and "data-parallel-rpc-port" out, or set them to free ports',
    remedy: 'try-later',
  },
  {
    cause: 'port-busy',
    pattern: /\[Errno 98\] .*[Aa]ddress already in use|EADDRINUSE/,
    sentence: "the engine's port is taken",
    fix: 'set AIM_PORT to a free port, or end what listens there',
    remedy: 'try-later',
  },
  {
    cause: 'bad-address',
    pattern:
      /\[Errno 9[79]\] (?<what>.*)|port must be 0-65535|(?<long>AF_UNIX path too long)|getaddrinfo.*(?:bind|listen)|could not bind on any address out of (?<all>.*)/,
    sentence: 'the engine cannot listen on the address it was given: $<what> $<long> $<all>',
    fix: 'AIM_HOST is an address of this container (0.0.0.0 for all), AIM_PORT a number from 1 to 65535',
    remedy: 'configure',
  },
  {
    cause: 'bad-address',
    pattern: /gaierror: (?<what>.*)|nodename nor servname|Name or service not known/,
    within: /in (?:create_server_socket|setup_server|bind|getaddrinfo)\b(?![\s\S]*(?:httpx|requests|urllib3))/,
    sentence: 'the host name that the engine should listen on is not known: $<what>',
    fix: 'AIM_HOST is an address of this container (0.0.0.0 for all)',
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'port-not-permitted',
    pattern: /PermissionError: \[Errno 13\]/,
    within: /in (?:create_server_socket|setup_server|bind)\b/,
    sentence: 'this user may not listen on that port',
    fix: 'set AIM_PORT to 1024 or above, or sysctl net.ipv4.ip_unprivileged_port_start=0',
    remedy: 'permit',
  },
  {
    cause: 'certificate',
    pattern: /KEY_VALUES_MISMATCH/,
    within: /load_cert_chain/,
    sentence: 'the TLS certificate and the key of the engine do not belong together',
    fix: 'mount the key of this certificate: "ssl-certfile" and "ssl-keyfile" in AIM_ENGINE_ARGS name PEM files of one pair',
    remedy: 'configure',
  },
  {
    cause: 'certificate',
    pattern: /(?:AssertionError|FileNotFoundError|SSLError|ssl\.\w+|PermissionError|OSError).*/,
    within: /assert self\.ssl_certfile|load_cert_chain|create_ssl_context|load_verify_locations/,
    sentence: 'the TLS certificate or key of the engine cannot be read',
    fix: '"ssl-certfile" and "ssl-keyfile" in AIM_ENGINE_ARGS name PEM files that are mounted and belong together',
    remedy: 'configure',
  },
  {
    cause: 'gated',
    pattern:
      /Cannot access gated repo|You are trying to access a gated repo|GatedRepoError|(?<code>401|403) Client Error|Client error '(?<http>40[13] \w+)' for url|Access to model \S+ is restricted/,
    sentence: 'the hub refused access ($<code>$<http>)',
    fix: 'set HF_TOKEN of an account that has accepted the licence on the page of the model',
    remedy: 'permit',
  },
  {
    cause: 'tls-trust',
    pattern: /CERTIFICATE_VERIFY_FAILED/,
    sentence: 'the certificate of the hub is not trusted',
    fix: 'mount the certificate of your proxy and set SSL_CERT_FILE (and REQUESTS_CA_BUNDLE) to it',
    remedy: 'configure',
  },
  {
    cause: 'hub-unreachable',
    pattern:
      /We couldn't connect to|Max retries exceeded with url|(?:50[0234]|429) (?:Server|Client) Error|(?:Server|Client) error '(?:50[0234]|429) |Temporary failure in name resolution|ReadTimeout|ConnectTimeout|http(?:x|core)2?\.Connect\w*Error|Connection refused.*https?:/,
    sentence: 'the hub cannot be reached',
    fix: 'check HF_ENDPOINT, DNS and proxies (HTTPS_PROXY); with the model in the cache set HF_HUB_OFFLINE=1',
    remedy: 'try-later',
  },
]
