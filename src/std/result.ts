/** A value, or the code of the error that took its place: for reads where an error is an answer (EPERM, EBUSY, ENOENT ...). */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string }
