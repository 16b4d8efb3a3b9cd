//! The examples are the other files of this folder.
