//! Bytes as they travel: little-endian numbers, texts in UTF-16.

/// A message, or a token of one, under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Out(pub(crate) Vec<u8>);

impl Out {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The lowest `width` bytes of a number.
    pub(crate) fn low(&mut self, value: u128, width: usize) {
        self.bytes(&value.to_le_bytes()[..width]);
    }

    /// A text with the number of its UTF-16 units in one byte before it; what does not fit is cut.
    pub(crate) fn short_text(&mut self, text: &str) {
        let units: Vec<u16> = text.encode_utf16().take(usize::from(u8::MAX)).collect();
        self.u8(u8::try_from(units.len()).expect("no more units than a byte counts were taken"));
        units.iter().for_each(|unit| self.u16(*unit));
    }

    /// A text with the number of its UTF-16 units in two bytes before it; what does not fit is cut.
    pub(crate) fn long_text(&mut self, text: &str) {
        let units: Vec<u16> = text.encode_utf16().take(4000).collect();
        self.u16(u16::try_from(units.len()).expect("no more than 4000 units were taken"));
        units.iter().for_each(|unit| self.u16(*unit));
    }

    /// What `write` adds, with its length in two bytes before it.
    pub(crate) fn counted(&mut self, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.u16(u16::try_from(inner.0.len()).expect("tokens are shorter than 64 KiB"));
        self.bytes(&inner.0);
    }
}

/// Bytes that are not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A message that is being read.
#[derive(Clone, Debug)]
pub(crate) struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// Four bytes that count bytes.
    pub(crate) fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u32()?).map_err(|_| Malformed)
    }

    /// A number of `width` bytes.
    pub(crate) fn low(&mut self, width: usize) -> Result<u128, Malformed> {
        let mut bytes = [0; 16];
        bytes.get_mut(..width).ok_or(Malformed)?.copy_from_slice(self.take(width)?);
        Ok(u128::from_le_bytes(bytes))
    }

    /// A text with the number of its UTF-16 units in one byte before it.
    pub(crate) fn short_text(&mut self) -> Result<String, Malformed> {
        let units = usize::from(self.u8()?);
        utf16(self.take(units * 2)?)
    }
}

/// A text from its UTF-16 bytes.
pub(crate) fn utf16(bytes: &[u8]) -> Result<String, Malformed> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    if units.len() * 2 != bytes.len() {
        return Err(Malformed);
    }
    String::from_utf16(&units).map_err(|_| Malformed)
}

/// The UTF-16 bytes of a text.
pub(crate) fn utf16_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Out::default();
        out.u8(1);
        out.u16(0x0203);
        out.low(0x07_0605_0400, 5);
        out.short_text("Åsa \u{1f600}");
        out.long_text("ö");
        out.counted(|inner| inner.u8(9));
        assert_eq!(&out.0[..8], &[1, 3, 2, 0, 4, 5, 6, 7]);
        let mut input = In::new(&out.0);
        assert_eq!((input.u8(), input.u16(), input.low(5)), (Ok(1), Ok(0x0203), Ok(0x07_0605_0400)));
        assert_eq!(input.short_text().unwrap(), "Åsa \u{1f600}");
        assert_eq!(input.take(4), Ok([1, 0, 0xf6, 0].as_slice()));
        assert_eq!((input.u16(), input.u8(), input.u8()), (Ok(1), Ok(9), Err(Malformed)));
        assert!(input.is_empty());
    }

    #[test]
    fn half_a_unit_and_half_a_pair_are_refused() {
        assert_eq!(utf16(&[65]), Err(Malformed));
        assert_eq!(utf16(&[0x00, 0xd8]), Err(Malformed));
        assert_eq!(In::new(&[2, 0]).short_text(), Err(Malformed));
    }
}
