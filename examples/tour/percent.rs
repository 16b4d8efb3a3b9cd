//! Percent-encoding, as in `two%20words`.

use std::fmt::Write;

/// Encodes a file name for use as one segment of a path: even `/`, `:` and `%` are encoded.
pub fn encode_name(name: &str) -> String {
    encode(name, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Encodes what cannot stand in a request line, and leaves what is encoded already as it is.
pub fn encode_path(path: &str) -> String {
    encode(path, |byte| byte.is_ascii_graphic())
}

fn encode(text: &str, stands: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if stands(byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes what it is given");
        }
    }
    encoded
}

/// Decodes a path. `None` if it is encoded wrongly, or if what it encodes is not UTF-8.
pub fn decode(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => 16 * hex_digit(bytes.next()?)? + hex_digit(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}
