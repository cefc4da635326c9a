-- The business system of the sample world. All people are invented; the numbers come from the series that are set aside
-- for fiction (070-174 06 05 to 99, 031-390 06 00 to 99) and from official test numbers.
CREATE TABLE customers (
    customer_no TEXT PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    former_name TEXT,
    personnummer TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('P', 'K', 'E')),
    company TEXT,
    orgnr TEXT,
    title TEXT,
    email TEXT,
    invoice_email TEXT,
    phone TEXT,
    mobile TEXT,
    street TEXT,
    postcode_city TEXT,
    marketing INTEGER NOT NULL,
    source TEXT,
    active INTEGER NOT NULL,
    created_on TEXT NOT NULL
);
CREATE TABLE invoices (
    invoice_no TEXT PRIMARY KEY,
    customer_no TEXT NOT NULL REFERENCES customers (customer_no),
    invoiced_on TEXT NOT NULL,
    recipient TEXT NOT NULL,
    recipient_address TEXT NOT NULL,
    description TEXT NOT NULL,
    amount TEXT NOT NULL,
    status TEXT NOT NULL
);
CREATE TABLE quotes (
    quote_no TEXT PRIMARY KEY,
    customer_no TEXT NOT NULL REFERENCES customers (customer_no),
    quoted_on TEXT NOT NULL,
    description TEXT NOT NULL,
    amount TEXT NOT NULL
);
CREATE TABLE equipment (
    id INTEGER PRIMARY KEY,
    customer_no TEXT NOT NULL REFERENCES customers (customer_no),
    model TEXT NOT NULL,
    serial_no TEXT NOT NULL,
    relation TEXT NOT NULL,
    since TEXT NOT NULL
);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    customer_no TEXT NOT NULL REFERENCES customers (customer_no),
    written_on TEXT NOT NULL,
    written_by TEXT NOT NULL,
    body TEXT NOT NULL
);

INSERT INTO customers VALUES
    ('K10000', 'Kanarie', 'Kontroll', NULL, NULL, 'P', NULL, NULL, NULL, 'kanarie@xelent.example', NULL, NULL, NULL, 'Annebergsvägen 1B', '432 48 Varberg', 0, NULL, 1, '2021-03-15'),
    ('K20001', 'Åsa', 'Lindqvist', NULL, '19780512-2384', 'P', NULL, NULL, NULL, 'asa.lindqvist@example.se', NULL, NULL, '070-174 06 05', 'Västkustvägen 14', '432 44 Varberg', 1, NULL, 1, '2018-09-03'),
    ('K20002', 'John', 'Whitfield', NULL, NULL, 'P', NULL, NULL, NULL, 'john.whitfield@example.com', NULL, NULL, '+46 70 174 06 06', 'Strandgatan 22', '432 43 Varberg', 1, NULL, 1, '2022-05-30'),
    ('K20003', 'Erik', 'Nyström', NULL, '19650221-2399', 'P', NULL, NULL, NULL, 'Erik.Nystrom@example.se', NULL, NULL, '0701740607', 'Norra Vallgatan 3', '432 41 Varberg', 1, NULL, 1, '2017-02-11'),
    ('K20004', 'Maria', 'Öberg', 'Maria Nilsson', NULL, 'P', NULL, NULL, NULL, 'maria.oberg@example.se', NULL, NULL, '070-1740608', 'Bäckagårdsvägen 51', '302 74 Halmstad', 1, 'Köpt adressregister: Marknadsdata i Väst AB, 2026-02-02', 1, '2021-03-15'),
    ('K20005', 'Karin', 'Håkansson', NULL, NULL, 'K', 'Hallands Plåt och Vent AB', '556036-0793', 'Ekonomiansvarig', 'karin.hakansson@example.se', 'faktura@hallandsplat.example', '031-390 06 10', '+46 (0)70-174 06 09', 'Verkstadsgatan 3', '432 32 Varberg', 1, NULL, 1, '2019-11-20'),
    ('K20006', 'Peter', 'Sandberg', NULL, NULL, 'P', NULL, NULL, NULL, 'peter.sandberg@example.se', NULL, NULL, '0046 70 174 06 10', 'Kungsgatan 8', '311 31 Falkenberg', 1, NULL, 0, '2016-04-01'),
    ('K20010', 'Anna', 'Öberg', NULL, NULL, 'P', NULL, NULL, NULL, 'anna.oberg@example.net', NULL, NULL, '070-174 06 11', 'Storgatan 2', '302 43 Halmstad', 1, NULL, 1, '2021-03-15'),
    ('K20011', 'Anna', 'Öberg', NULL, NULL, 'K', 'Varbergs Tandvård AB', NULL, 'Klinikchef', 'anna.oberg@example.org', 'faktura@tandvard.example', NULL, '070-174 06 12', 'Kungsgatan 1', '432 41 Varberg', 1, NULL, 1, '2021-03-15'),
    ('K20012', 'Lars', 'Bergström', NULL, NULL, 'P', NULL, NULL, NULL, 'lars.bergstrom@example.se', NULL, NULL, '070-174 06 20', 'Apelviksvägen 7', '432 53 Varberg', 1, NULL, 1, '2021-03-15'),
    ('K20013', 'Oskar', 'Bergström', NULL, NULL, 'P', NULL, NULL, NULL, 'oskar.bergstrom@example.se', NULL, NULL, '0701740620', 'Apelviksvägen 7', '432 53 Varberg', 1, NULL, 1, '2024-08-19'),
    ('K20014', 'Göran', 'Ek', NULL, NULL, 'K', 'Ek Maskin i Ätran AB', NULL, 'VD', 'info@ekmaskin.example', NULL, '031-390 06 14', NULL, 'Industrigatan 14', '311 61 Ätran', 1, NULL, 1, '2021-03-15'),
    ('K20015', 'Ulla', 'Ek', NULL, NULL, 'K', 'Ek Maskin i Ätran AB', NULL, 'Kontor', 'info@ekmaskin.example', NULL, '031-390 06 14', NULL, 'Industrigatan 14', '311 61 Ätran', 1, NULL, 1, '2021-03-15'),
    ('K20016', 'Ingrid', 'Falk', NULL, NULL, 'P', NULL, NULL, NULL, 'ingrid.falk@example.se', NULL, NULL, '070-174 06 33', 'Ringvägen 19', '311 36 Falkenberg', 0, NULL, 0, '2015-01-26'),
    ('K20017', 'Fatima', 'Hassan', NULL, NULL, 'P', NULL, NULL, NULL, 'fatima.hassan@example.se', NULL, NULL, '070-174 06 33', 'Skolgatan 5', '434 30 Kungsbacka', 1, NULL, 1, '2025-10-06'),
    ('K20018', 'Bengt', 'Åkesson', NULL, '19590308-2393', 'E', 'Åkessons Tryck', NULL, 'Innehavare', 'bengt@akessonstryck.example', NULL, NULL, '070-174 06 18', 'Hamngatan 11', '311 31 Falkenberg', 1, NULL, 1, '2021-03-15'),
    ('K20019', 'Sarah', 'O''Neill', NULL, NULL, 'P', NULL, NULL, NULL, 'sarah.oneill@example.com', NULL, NULL, '070-174 06 19', 'Lindens torg 4', '434 30 Kungsbacka', 1, NULL, 1, '2021-03-15'),
    ('K20020', 'Björn', 'Ögren', NULL, NULL, 'P', NULL, NULL, NULL, 'bjorn_ogren@example.se', NULL, NULL, '070-174 06 21', 'Tångvägen 30', '432 75 Träslövsläge', 1, NULL, 1, '2021-03-15'),
    ('K20021', 'Björn', 'Ågren', NULL, NULL, 'P', NULL, NULL, NULL, 'bjornaogren@example.se', NULL, NULL, '070-174 06 22', 'Tångvägen 3', '432 75 Träslövsläge', 1, NULL, 1, '2021-03-15'),
    ('K20022', 'Märta', 'Sjögren', NULL, NULL, 'P', NULL, NULL, NULL, 'märta.sjögren@example.se', NULL, NULL, '070-174 06 23', 'Kyrkogatan 9', '312 30 Laholm', 1, NULL, 1, '2021-03-15'),
    ('K20023', 'Dragan', 'Petrović', NULL, NULL, 'K', 'Nissans Åkeri AB', NULL, 'Trafikledare', 'dragan.petrovic@example.se', NULL, NULL, '070-174 06 24', 'Terminalvägen 11', '302 60 Halmstad', 1, NULL, 1, '2021-03-15'),
    ('K20024', 'Linnéa', 'Söderberg', 'Linnéa Falk', NULL, 'P', NULL, NULL, NULL, 'linnea.soderberg@example.se', NULL, NULL, '070-174 06 25', 'Malmgatan 17', '302 50 Halmstad', 1, NULL, 1, '2021-03-15'),
    ('K20025', 'Anna-Lena', 'Åberg', NULL, NULL, 'P', NULL, NULL, NULL, 'anna-lena.aberg@example.se', NULL, NULL, '070-174 06 26', 'Parkvägen 2', '432 41 Varberg', 1, NULL, 1, '2021-03-15'),
    ('K20026', 'Håkan', 'Nordin', NULL, NULL, 'K', 'Friskolan Ekbacken Ekonomisk förening', NULL, 'IT-ansvarig', 'hakan.nordin@ekbacken.example', 'ekonomi@ekbacken.example', NULL, '070-174 06 27', 'Skolgatan 1', '312 30 Laholm', 1, NULL, 1, '2021-03-15'),
    ('K20027', 'Ebba', 'von Sydow Lind', NULL, NULL, 'P', NULL, NULL, NULL, 'ebba.lind@example.se', NULL, NULL, '070-174 06 28', 'Åsgatan 12', '432 44 Varberg', 1, NULL, 1, '2021-03-15'),
    ('K20028', 'Amina', 'Ali', NULL, NULL, 'K', 'Kungsbacka Advokatbyrå HB', NULL, 'Jurist', 'amina.ali@kbaadvokat.example', NULL, NULL, '070-174 06 29', 'Lindens torg 4', '434 30 Kungsbacka', 1, NULL, 1, '2021-03-15'),
    ('K20029', 'Mats', 'Westerlund', NULL, NULL, 'K', 'Brf Strandliden', NULL, 'Ordförande', 'mats.westerlund@strandliden.example', NULL, NULL, '070-174 06 30', 'Strandvägen 5', '432 54 Varberg', 1, NULL, 1, '2021-03-15'),
    ('K20030', 'Åsa', 'Lindkvist', NULL, NULL, 'P', NULL, NULL, NULL, 'asa.lindkvist@example.se', NULL, NULL, '070-174 06 31', 'Ringvägen 40', '311 36 Falkenberg', 1, NULL, 1, '2021-03-15'),
    ('K20031', 'Tobias', 'Hellström', NULL, NULL, 'P', NULL, NULL, NULL, 'tobias.hellstrom@example.se', NULL, NULL, '070-174 06 32', 'Björkstigen 6', '434 37 Kungsbacka', 1, NULL, 1, '2021-03-15');

INSERT INTO invoices VALUES
    ('F18-1007', 'K20006', '2018-05-14', 'Peter Sandberg', 'Kungsgatan 8, 311 31 Falkenberg', 'Skrivare, begagnad', '1 890,00', 'B'),
    ('F19-0311', 'K20001', '2019-03-22', 'Åsa Lindqvist', 'Västkustvägen 14, 432 44 Varberg', 'Skrivare HL-L2350DW', '1 495,00', 'B'),
    ('F20-0874', 'K20003', '2020-09-02', 'Erik Nyström', 'Norra Vallgatan 3, 432 41 Varberg', 'Toner TN-2420, 2 st', '1 398,00', 'B'),
    ('F22-0115', 'K20002', '2022-06-15', 'John Whitfield', 'Strandgatan 22, 432 43 Varberg', 'Hyra kopiator, kvartal 2', '2 250,00', 'B'),
    ('F23-0620', 'K20005', '2023-10-31', 'Hallands Plåt och Vent AB', 'Verkstadsgatan 3, 432 32 Varberg', 'Serviceavtal kopiator', '6 400,00', 'B'),
    ('F24-0042', 'K20001', '2024-01-30', 'Åsa Lindqvist', 'Västkustvägen 14, 432 44 Varberg', 'Service skrivare', '875,00', 'B'),
    ('F24-0219', 'K20004', '2024-04-18', 'Maria Öberg', 'Bäckagårdsvägen 51, 302 74 Halmstad', 'Skrivbordsstol', '3 290,00', 'B'),
    ('F24-0733', 'K20010', '2024-11-05', 'Anna Öberg', 'Storgatan 2, 302 43 Halmstad', 'Toner, 1 st', '699,00', 'B'),
    ('F25-0088', 'K20012', '2025-02-12', 'Lars Bergström', 'Apelviksvägen 7, 432 53 Varberg', 'Skrivare och installation', '4 120,00', 'B'),
    ('F25-0391', 'K20003', '2025-06-27', 'Erik Nyström', 'Norra Vallgatan 3, 432 41 Varberg', 'Kopiator, service', '1 240,00', 'B'),
    ('F26-0102', 'K20002', '2026-03-31', 'John Whitfield', 'Strandgatan 22, 432 43 Varberg', 'Hyra kopiator, kvartal 1', '2 400,00', 'B'),
    ('F26-0244', 'K20017', '2026-06-08', 'Fatima Hassan', 'Skolgatan 5, 434 30 Kungsbacka', 'Skrivare', '1 995,00', 'B'),
    ('F26-0317', 'K20011', '2026-08-21', 'Varbergs Tandvård AB', 'Kungsgatan 1, 432 41 Varberg', 'Serviceavtal, kvartal 3', '5 150,00', 'O');

INSERT INTO quotes VALUES
    ('O25-014', 'K20001', '2025-09-10', 'Kopiator med installation', '18 900,00'),
    ('O25-022', 'K20004', '2025-11-03', 'Höj- och sänkbart skrivbord', '6 495,00'),
    ('O26-003', 'K20031', '2026-01-19', 'Skrivare för hemmakontor', '2 490,00'),
    ('O26-019', 'K20003', '2026-05-05', 'Hyra av kopiator', '890,00');

INSERT INTO equipment VALUES
    (1, 'K20001', 'HL-L2350DW', 'E78283K9N301', 'S', '2019-03-22'),
    (2, 'K20002', 'MX-3071', 'XM4522B00002', 'H', '2022-06-01'),
    (3, 'K20005', 'MX-4071', 'XM4522B00005', 'V', '2020-01-13'),
    (4, 'K20003', 'MX-2651', 'XM4522B00003', 'S', '2017-03-01'),
    (5, 'K20011', 'MX-3071', 'XM4521A00017', 'H', '2023-02-01'),
    (6, 'K20018', 'MX-7090', 'XM4522B00018', 'S', '2021-05-17');

INSERT INTO notes VALUES
    (1, 'K20001', '2024-01-29', 'Säljare Varberg', 'Ringde om papperstrassel. Vill helst bli kontaktad per e-post.'),
    (2, 'K20002', '2022-05-30', 'Säljare Varberg', 'Prefers English. Invoice by e-mail.'),
    (3, 'K20003', '2025-06-20', 'Servicetekniker', 'Tekniker på plats, bytt fixeringsenhet.'),
    (4, 'K20011', '2026-08-20', 'Säljare Varberg', 'Anna Öberg undrar om avtalet; kollegan Åsa Lindqvist (asa.lindqvist@example.se) rekommenderade oss.'),
    (5, 'K20005', '2023-11-02', 'Ekonomi', 'Karin vill ha fakturorna uppdelade per avdelning.'),
    (6, 'K20017', '2025-10-06', 'Säljare Kungsbacka', 'Ny kund. Numret tillhörde tidigare en annan kund.');
