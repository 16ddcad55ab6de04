/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * An XMP document and its description. Everything else in it stays as it is.
 *
 * <p>Source: ISO 16684-1, sections 7.5 (arrays), 7.8 (language alternatives) and 8.3 (Dublin Core).
 */
final class XmpDescription {
    private static final String RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
    private static final String DC = "http://purl.org/dc/elements/1.1/";
    private static final String DESCRIPTION = "description";
    private static final String DEFAULT_LANGUAGE = "x-default";
    private static final String EMPTY = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            + "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"" + RDF + "\">\n"
            + "  <rdf:Description rdf:about=\"\" xmlns:dc=\"" + DC + "\"/>\n </rdf:RDF>\n</x:xmpmeta>\n";

    /** What XML 1.0 has no way to write. */
    private static final String NO_XML = "[^\\t\\n\\r\\x{20}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]";

    private final Document document;
    private final Element rdf;

    private XmpDescription(Document document, Element rdf) {
        this.document = document;
        this.rdf = rdf;
    }

    static XmpDescription empty() throws IOException {
        return read(new ByteArrayInputStream(Sidecars.utf8(EMPTY)), "a new XMP document");
    }

    /**
     * Reads a document.
     *
     * @throws IOException when it is no XMP
     */
    static XmpDescription read(InputStream stream, String name) throws IOException {
        String got;
        try {
            Document document = builder().parse(stream);
            NodeList found = document.getElementsByTagNameNS(RDF, "RDF");
            if (found.getLength() == 1) {
                return new XmpDescription(document, (Element) found.item(0));
            }
            got = found.getLength() + " elements rdf:RDF";
        } catch (SAXException e) {
            got = "\"" + e.getMessage() + "\"";
        }
        throw new IOException(name + ": expected XMP, XML with one element rdf:RDF, got " + got
                + "; the file stays as it is, move it away to have a new one");
    }

    private static DocumentBuilder builder() {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true); // nothing from elsewhere
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null); // which prints to stderr
            return builder;
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether there is a description for whoever asks for no language. */
    boolean isDescribed() {
        Element property = property();
        if (property == null) {
            return !attributeOwner().isEmpty();
        }
        Element item = defaultItem(property);
        return item == null
                ? items(property).getLength() == 0 && !property.getTextContent().isBlank()
                : !item.getTextContent().isBlank();
    }

    /** {@return the description for no language, empty where there is none} */
    String text() {
        Element property = property();
        Element item = property == null ? null : defaultItem(property);
        return item == null ? "" : item.getTextContent();
    }

    /** {@return the document with a description in place of the one for no language, as bytes} */
    byte[] with(String text) throws IOException {
        Element owner = null;
        NodeList all = rdf.getElementsByTagNameNS(RDF, "Description");
        for (int i = 0; i < all.getLength(); i++) {
            Element description = (Element) all.item(i);
            if (description.getParentNode() == rdf) {
                owner = owner == null ? description : owner;
                description.removeAttributeNS(DC, DESCRIPTION); // the short form, of one text without language
            }
        }
        Element property = property();
        if (property == null) {
            if (owner == null) {
                owner = (Element) rdf.appendChild(document.createElementNS(RDF, name(rdf, "Description")));
                owner.setAttributeNS(RDF, name(rdf, "about"), "");
            }
            property = document.createElementNS(DC, "dc:" + DESCRIPTION);
            property.setAttributeNS(XMLConstants.XMLNS_ATTRIBUTE_NS_URI, "xmlns:dc", DC);
            owner.appendChild(property);
        }
        Element alternatives = alternatives(property);
        Element item = defaultItem(property);
        if (item == null) {
            item = document.createElementNS(RDF, name(rdf, "li"));
            item.setAttributeNS(XMLConstants.XML_NS_URI, "xml:lang", DEFAULT_LANGUAGE);
            alternatives.insertBefore(item, alternatives.getFirstChild()); // which comes first
        }
        item.setTextContent(text.replaceAll(NO_XML, " "));
        return bytes();
    }

    private Element alternatives(Element property) {
        NodeList found = property.getElementsByTagNameNS(RDF, "Alt");
        if (found.getLength() > 0) {
            return (Element) found.item(0);
        }
        property.setTextContent(""); // a text without language, or another kind of array
        return (Element) property.appendChild(document.createElementNS(RDF, name(rdf, "Alt")));
    }

    /** A name with the prefix that the document has for it. */
    private static String name(Element like, String local) {
        return like.getPrefix() == null ? local : like.getPrefix() + ":" + local;
    }

    private String attributeOwner() {
        NodeList all = rdf.getElementsByTagNameNS(RDF, "Description");
        for (int i = 0; i < all.getLength(); i++) {
            Element description = (Element) all.item(i);
            if (description.getParentNode() == rdf
                    && !description.getAttributeNS(DC, DESCRIPTION).isBlank()) {
                return description.getAttributeNS(DC, DESCRIPTION);
            }
        }
        return "";
    }

    /** The property of the document itself, not of what it describes in it. */
    private Element property() {
        NodeList all = rdf.getElementsByTagNameNS(DC, DESCRIPTION);
        for (int i = 0; i < all.getLength(); i++) {
            Node description = all.item(i).getParentNode();
            if (description.getParentNode() == rdf) {
                return (Element) all.item(i);
            }
        }
        return null;
    }

    private static NodeList items(Element property) {
        return property.getElementsByTagNameNS(RDF, "li");
    }

    private static Element defaultItem(Element property) {
        NodeList items = items(property);
        for (int i = 0; i < items.getLength(); i++) {
            Element item = (Element) items.item(i);
            if (item.getAttributeNS(XMLConstants.XML_NS_URI, "lang").equalsIgnoreCase(DEFAULT_LANGUAGE)) {
                return item;
            }
        }
        return null;
    }

    private byte[] bytes() throws IOException {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            Transformer copy = TransformerFactory.newInstance().newTransformer();
            copy.setOutputProperty(OutputKeys.ENCODING, "UTF-8");
            document.setXmlStandalone(true); // else the declaration would say that it is not
            copy.transform(new DOMSource(document), new StreamResult(bytes));
            return bytes.toByteArray();
        } catch (TransformerException e) {
            throw new IOException("XMP cannot be written (" + e.getMessage() + ")", e);
        }
    }
}
