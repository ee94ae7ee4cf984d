SET 'table.display.max-column-width' = '30';
SELECT 'abcdefghijklmnopqrstuvwxyz12345' || '' AS `varchar`;
SELECT '这是一段中文' || '' AS `varchar`;
SELECT 'これは日本語をテストするための文です' || '' AS `varchar`;
