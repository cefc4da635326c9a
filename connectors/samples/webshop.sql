-- The web shop of the sample world. All people are invented.
CREATE TABLE accounts (
    account_no TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    name TEXT,
    email TEXT,
    email_confirmed_at TEXT,
    phone TEXT,
    customer_no TEXT,
    address TEXT,
    newsletter INTEGER NOT NULL,
    newsletter_consent_at TEXT,
    last_login_at TEXT
);
-- Orders outlive their account, so nothing ties them to it but the number.
CREATE TABLE orders (
    order_no TEXT PRIMARY KEY,
    account_no TEXT,
    guest_email TEXT,
    delivery_name TEXT NOT NULL,
    delivery_address TEXT NOT NULL,
    delivery_phone TEXT,
    ordered_on TEXT NOT NULL,
    articles TEXT NOT NULL,
    total TEXT NOT NULL,
    status TEXT NOT NULL
);

INSERT INTO accounts VALUES
    ('W1000', 'kanarie', 'Kanarie Kontroll', 'kanarie@xelent.example', '2021-03-15 08:00:00', NULL, NULL, NULL, 0, NULL, NULL),
    ('W1001', 'asalind', 'Åsa Lindqvist', 'asa.lindqvist@example.se', '2023-04-12 18:05:11', '070 174 06 05', NULL, 'Västkustvägen 14, 432 44 Varberg', 1, '2023-04-12 18:03:00', '2026-10-30 07:41:12'),
    ('W1002', 'erikn', 'E. Nyström', 'erik.nystrom@example.se', '2024-10-02 12:41:00', '0701740607', NULL, 'Norra Vallgatan 3, 432 41 Varberg', 0, NULL, '2025-12-01 20:15:40'),
    ('W1003', 'johnw', 'John Whitfield', 'john.whitfield@example.com', '2024-02-20 09:31:02', '+46701740606', NULL, 'Strandgatan 22, 432 43 Varberg', 1, '2024-02-20 09:30:00', '2026-09-14 11:02:09'),
    ('W1004', 'maria.oberg', 'Maria Öberg', 'maria.oberg@example.se', '2022-11-25 12:01:30', '0701740608', NULL, 'Bäckagårdsvägen 51, 302 74 Halmstad', 1, '2022-11-25 12:00:00', '2026-01-08 16:44:31'),
    ('W1005', 'skugga77', 'M. Lory', 'mallory@example.com', '2026-11-19 23:40:00', '0701740605', 'K20001', 'Box 7, 411 01 Göteborg', 0, NULL, '2026-11-20 23:59:01'),
    ('W1006', 'annaoberg', 'Anna Öberg', 'anna.oberg@example.net', '2025-05-05 08:09:00', '0701740611', NULL, 'Storgatan 2, 302 43 Halmstad', 1, '2025-05-05 08:08:08', '2026-05-05 08:12:00'),
    ('W1007', 'linneas', 'Linnéa Söderberg', 'linnea.soderberg@example.se', '2024-07-07 10:11:00', NULL, NULL, 'Malmgatan 17, 302 50 Halmstad', 0, NULL, '2024-07-07 10:10:10'),
    ('W1008', 'tobbe', 'Tobias Hellström', 'tobias.hellstrom@example.se', '2026-02-02 19:22:00', '070-174 06 32', NULL, 'Björkstigen 6, 434 37 Kungsbacka', 1, '2026-02-02 19:20:21', '2026-11-02 06:30:00');

INSERT INTO orders VALUES
    ('XO-5001', 'W1001', NULL, 'Åsa Lindqvist', 'Västkustvägen 14, 432 44 Varberg', '0701740605', '2023-04-12', 'Toner TN-2420', '699,00', 'shipped'),
    ('XO-5002', 'W1003', NULL, 'John Whitfield', 'Strandgatan 22, 432 43 Varberg', NULL, '2024-02-20', 'Paper A4, 5 boxes', '1 245,00', 'shipped'),
    ('XO-5003', 'W1002', NULL, 'Karl Nyström', 'Norra Vallgatan 3, 432 41 Varberg', NULL, '2025-12-01', 'Skrivbordslampa', '549,00', 'returned'),
    ('XO-5004', 'W1004', NULL, 'Maria Öberg', 'Bäckagårdsvägen 51, 302 74 Halmstad', '0701740608', '2022-11-25', 'Kontorsstol', '2 990,00', 'shipped'),
    ('XO-5005', NULL, 'peter.sandberg@example.se', 'Peter Sandberg', 'Kungsgatan 8, 311 31 Falkenberg', '070-1740610', '2021-08-30', 'Häftapparat', '159,00', 'shipped'),
    ('XO-5006', 'W1006', NULL, 'Anna Öberg', 'Storgatan 2, 302 43 Halmstad', NULL, '2025-05-05', 'Pärmar', '310,00', 'cancelled');
