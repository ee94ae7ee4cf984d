-- own: the cases of a check of ours: brackets and & in patterns that are no classes in classes
-- arguments: --format csv
SELECT REGEXP_EXTRACT('a&&b', '[&]+'), REGEXP_EXTRACT('a[b', '[\[]'), REGEXP_EXTRACT('a&&b', '&&'), REGEXP_EXTRACT('a[b', '\Q[\E');
