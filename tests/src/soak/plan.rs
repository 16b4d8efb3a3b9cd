//! What a client has in mind.

use std::fmt;

use fastrand::Rng;

/// What a client does, if nobody keeps it from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    // Those who get back what they send, to the last byte.
    /// Sends and receives at the same time.
    Echo,
    /// As before, but begins to receive when nobody can send any more.
    SlowReader,
    /// Sends all, says that this was all, and receives only then.
    HalfClose,
    /// Sends frames, and waits for each to come back.
    Frames,

    // Those of whom nobody knows how far they will come.
    /// Hangs up in the middle, by a reset or without a word.
    HangsUp,
    /// Is cancelled in the middle.
    Cancelled,
    /// Runs out of time in the middle.
    TimesOut,
    /// The server's task is cancelled in the middle.
    CutOff,
    /// Gets more than it reads.
    NeverReads,

    // Those who never get anything.
    /// Sends what nobody understands.
    Garbage,
    /// Announces a frame that is too long.
    TooLong,
    /// Says nothing.
    Silent,
    /// Is gone as soon as it has come.
    Gone,
    /// Gives up while it connects.
    GivesUp,
    /// Comes where nobody listens.
    Refused,
}

impl Plan {
    pub(super) const ALL: [Self; 15] = [
        Self::Echo,
        Self::SlowReader,
        Self::HalfClose,
        Self::Frames,
        Self::HangsUp,
        Self::Cancelled,
        Self::TimesOut,
        Self::CutOff,
        Self::NeverReads,
        Self::Garbage,
        Self::TooLong,
        Self::Silent,
        Self::Gone,
        Self::GivesUp,
        Self::Refused,
    ];

    pub(super) fn choose(rng: &mut Rng) -> Self {
        match rng.u32(0..1000) {
            0..250 => Self::Echo,
            250..300 => Self::SlowReader,
            300..370 => Self::HalfClose,
            370..470 => Self::Frames,
            470..590 => Self::HangsUp,
            590..670 => Self::Cancelled,
            670..740 => Self::TimesOut,
            740..810 => Self::CutOff,
            810..850 => Self::NeverReads,
            850..890 => Self::Garbage,
            890..920 => Self::TooLong,
            920..925 => Self::Silent,
            925..960 => Self::Gone,
            960..980 => Self::GivesUp,
            _ => Self::Refused,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Echo => "sends and receives",
            Self::SlowReader => "receives late",
            Self::HalfClose => "ends its half, then receives",
            Self::Frames => "sends frames",
            Self::HangsUp => "hangs up",
            Self::Cancelled => "is cancelled",
            Self::TimesOut => "runs out of time",
            Self::CutOff => "its server's task is cancelled",
            Self::NeverReads => "never reads",
            Self::Garbage => "sends garbage",
            Self::TooLong => "announces too much",
            Self::Silent => "says nothing",
            Self::Gone => "leaves at once",
            Self::GivesUp => "gives up connecting",
            Self::Refused => "comes where nobody listens",
        })
    }
}
