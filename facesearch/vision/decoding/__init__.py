"""What lies in a photo file: which kind it is, which pictures it holds, and their pixels in sRGB.
`facesearch.vision.decode` is the door; nothing here is used from elsewhere but `sniff`."""
