# Writes OUTPUT: one `{"NAME", text},` for each file of PAGES. A page is one raw string; string
# literals past 64 KiB are not portable, and a page that long is not read either.
set(out "")
foreach(page ${PAGES})
  get_filename_component(name ${page} NAME_WE)
  file(READ ${page} text)
  string(APPEND out "{\"${name}\", R\"page(${text})page\"},\n")
endforeach()
file(WRITE ${OUTPUT} "${out}")
