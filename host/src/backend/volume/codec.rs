//! Numbers and bytes as they are stored. Reading never trusts what it reads.

/// Why stored bytes cannot be a volume's, in words for whoever has to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage(pub(super) String);

impl Damage {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

pub(super) type Checked<T> = Result<T, Damage>;

/// Appends `value`, seven bits in a byte, the lowest first; the last byte is below 128.
pub(super) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    // Below 128 by now.
    out.push((value & 0x7f) as u8);
}

/// Appends the length of `bytes`, and them.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what the functions above appended.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Checked<&'a [u8]> {
        let (bytes, rest) =
            self.0.split_at_checked(count).ok_or_else(|| Damage::new("a record is cut short"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Checked<[u8; N]> {
        let (bytes, rest) =
            self.0.split_first_chunk::<N>().ok_or_else(|| Damage::new("a record is cut short"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn byte(&mut self) -> Checked<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Checked<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Checked<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn number(&mut self) -> Checked<u64> {
        // Most are small.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok((*byte).into());
        }
        self.long_number()
    }

    fn long_number(&mut self) -> Checked<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damage::new("a number is too long"))
    }

    pub(super) fn small(&mut self) -> Checked<u32> {
        u32::try_from(self.number()?).map_err(|_| Damage::new("a number is too large"))
    }

    pub(super) fn bytes(&mut self) -> Checked<&'a [u8]> {
        let count = self.small()? as usize;
        self.take(count)
    }
}
