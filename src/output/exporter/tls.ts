import { readFileSync } from 'node:fs';
import { messageOf, UserError } from '../../base/errors.ts';

/** The Collector's `tls` section of an exporter. */
export interface TlsSettings {
  /** gRPC: no TLS at all. HTTP: the endpoint's scheme decides and this is ignored, as in the Collector. */
  insecure?: boolean;
  /** Encrypted, but the certificate is not checked. */
  insecure_skip_verify?: boolean;
  /** PEM files: authorities to trust instead of the system's, own certificate, its key. */
  ca_file?: string;
  cert_file?: string;
  key_file?: string;
  /** The name to ask for (SNI) and to find in the certificate. */
  server_name_override?: string;
}

export interface TlsFiles {
  ca: Buffer | undefined;
  cert: Buffer | undefined;
  key: Buffer | undefined;
}

/** Reads the files once, at start. Throws a UserError that names the exporter, the key and the file. */
export function readTlsFiles(id: string, tls: TlsSettings): TlsFiles {
  if ((tls.cert_file === undefined) !== (tls.key_file === undefined)) {
    throw new UserError(
      'tls_pair',
      `exporters.${id}.tls: cert_file and key_file belong together; set both or none`,
    );
  }
  const read = (key: 'ca_file' | 'cert_file' | 'key_file'): Buffer | undefined => {
    const path = tls[key];
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new UserError(
        'tls_file',
        `exporters.${id}.tls.${key}: cannot read ${path}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  };
  return { ca: read('ca_file'), cert: read('cert_file'), key: read('key_file') };
}
