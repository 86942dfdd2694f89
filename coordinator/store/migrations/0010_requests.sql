-- What clients had done under a request id of theirs, so that asking again does nothing and answers the same.

CREATE TABLE requests (
  id          TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,  -- of what was asked, without the id: SHA-256, in hexadecimal
  answer      BLOB NOT NULL,  -- as it went over the wire
  at          TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX requests_at ON requests (at);
